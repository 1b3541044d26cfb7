// The devices of a cluster, by address.
#pragma once
#include "dma.h"
#include "engine.h"
#include "event_unit.h"

extern "C" {
// Output of a program. A result other than 0 stops the run.
typedef int (*heed_console_callback)(void *user, uint8_t byte);
typedef int (*heed_mailbox_callback)(void *user, uint64_t cycle, uint32_t value);
}

namespace heed {

struct HostCallbacks {
    heed_engine_callback engine = nullptr;
    heed_console_callback console = nullptr;
    heed_mailbox_callback mailbox = nullptr;
    void *user = nullptr;
};

class Devices {
public:
    Devices(const heed_config &config, Memory &memory, uint32_t started,
            const HostCallbacks &callbacks)
        : events(config, started),
          engine(config, memory, events, callbacks.engine, callbacks.user),
          dma(memory, events), config(config), callbacks(callbacks) {}

    Access load(unsigned hart, uint64_t time, uint32_t address, unsigned size, uint32_t &value);
    Access store(unsigned hart, uint64_t time, uint32_t address, unsigned size, uint32_t value);

    // When something happens that no hart does, and the doing of what is due.
    uint64_t next_event() const;
    void advance(uint64_t time);

    EventUnit events;
    Engine engine;
    Dma dma;

    bool exited = false;   // the exit register was written
    uint32_t exit_word = 0;
    bool stopped = false;  // a callback wants the run to end

private:
    Access access(RegisterAccess &a, uint32_t address);
    Access host(RegisterAccess &a);

    const heed_config &config;
    HostCallbacks callbacks;
};

}  // namespace heed
