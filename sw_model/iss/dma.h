// The DMA: transfers are performed at once, their ends come when they would.
#pragma once
#include <deque>

#include "event_unit.h"
#include "memory.h"
#include "register_access.h"

namespace heed {

class Dma {
public:
    Dma(Memory &memory, EventUnit &events) : memory(memory), events(events) {}

    Access access(RegisterAccess &a);
    uint64_t next_event() const { return queue.empty() ? NEVER : queue.front().end; }
    void advance(uint64_t time);

private:
    struct Transfer {
        uint64_t end;
        uint32_t id, event_mask;
        bool failed;
    };

    static constexpr unsigned QUEUE = 4;  // transfers that have not ended

    uint32_t start(uint64_t time);
    bool copy();

    Memory &memory;
    EventUnit &events;
    uint32_t source = 0, target = 0, bytes = 0, event_mask = 0;
    uint32_t source_stride[2] = {}, target_stride[2] = {}, count[2] = {1, 1};
    uint32_t last_id = 0, done = 0, error = 0;
    uint64_t busy_until = 0;
    std::deque<Transfer> queue;
};

}  // namespace heed
