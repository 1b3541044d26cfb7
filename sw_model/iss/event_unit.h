// Software and timer interrupts, events, and the barrier.
#pragma once
#include "config.h"
#include "memory.h"
#include "register_access.h"

namespace heed {

class EventUnit {
public:
    EventUnit(const heed_config &config, uint32_t started) : config(config), started(started) {}

    Access access(RegisterAccess &a);

    // Raises an event (bit of event_pending) of the harts in a mask.
    void raise(uint32_t event, uint32_t harts);

    // Interrupt levels of a hart, as in mip.
    uint32_t levels(unsigned hart, uint64_t time) const;
    // When a hart's timer is due, if it is not yet.
    uint64_t timer(unsigned hart, uint64_t time) const {
        return compare[hart] > time ? compare[hart] : NEVER;
    }

    // The harts that the barrier let go since the last call, and when it did.
    uint32_t take_released() {
        uint32_t mask = fresh;
        fresh = 0;
        return mask;
    }
    uint64_t released_at() const { return release_time; }

private:
    Access arrive(RegisterAccess &a);
    void release(uint64_t time);
    uint32_t members() const { return written ? listed : started; }

    const heed_config &config;
    const uint32_t started;
    uint32_t msip[MAX_HARTS] = {}, enable[MAX_HARTS] = {}, pending[MAX_HARTS] = {};
    uint64_t compare[MAX_HARTS] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER,
                                   NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER};
    bool written = false;  // barrier_members was
    uint32_t listed = 0, waiting = 0;
    uint32_t released = 0;  // may go on when they ask again
    uint32_t fresh = 0;
    uint64_t latest = 0;  // arrival of those who wait
    uint64_t release_time = 0;
};

}  // namespace heed
