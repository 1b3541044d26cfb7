// The event unit's registers.
#include "event_unit.h"

#include <algorithm>

#include "heed_regs.h"

namespace heed {

namespace {

uint32_t all(uint32_t harts) { return (1u << harts) - 1; }

}  // namespace

Access EventUnit::access(RegisterAccess &a) {
    uint32_t hart, harts = config.harts;
    if (!a.write && (a.offset & ~3u) == HEED_EVENTS_BARRIER) return arrive(a);
    if (a.element(HEED_EVENTS_MSIP, HEED_EVENTS_MSIP_STEP, harts, hart))
        return a.read_write(msip[hart]);
    if (a.element(HEED_EVENTS_MTIMECMP_LOW, HEED_EVENTS_MTIMECMP_LOW_STEP, harts, hart)) {
        uint32_t half = uint32_t(compare[hart]);
        Access result = a.read_write(half);
        compare[hart] = (compare[hart] >> 32 << 32) | half;
        return result;
    }
    if (a.element(HEED_EVENTS_MTIMECMP_HIGH, HEED_EVENTS_MTIMECMP_HIGH_STEP, harts, hart)) {
        uint32_t half = uint32_t(compare[hart] >> 32);
        Access result = a.read_write(half);
        compare[hart] = uint64_t(half) << 32 | uint32_t(compare[hart]);
        return result;
    }
    if (a.element(HEED_EVENTS_EVENT_ENABLE, HEED_EVENTS_EVENT_ENABLE_STEP, harts, hart))
        return a.read_write(enable[hart]);
    if (a.element(HEED_EVENTS_EVENT_PENDING, HEED_EVENTS_EVENT_PENDING_STEP, harts, hart)) {
        if (a.write) pending[hart] &= ~a.data;
        else a.data = pending[hart];
        return Access::DONE;
    }
    switch (a.offset) {
    case HEED_EVENTS_MTIME_LOW: return a.read_only(uint32_t(a.time));
    case HEED_EVENTS_MTIME_HIGH: return a.read_only(uint32_t(a.time >> 32));
    case HEED_EVENTS_BARRIER_MEMBERS:
        if (!a.write) return a.read_only(members());
        written = true;
        listed = a.data & all(harts);
        release(a.time);
        return Access::DONE;
    case HEED_EVENTS_EVENT_SET:
        if (a.write) raise(HEED_EVENTS_EVENT_ENABLE_SOFTWARE_SHIFT, a.data);
        return a.write_only();
    case HEED_EVENTS_HART_COUNT: return a.read_only(harts);
    case HEED_EVENTS_HART_STARTED: return a.read_only(started);
    }
    return Access::FAULT;
}

void EventUnit::raise(uint32_t event, uint32_t harts) {
    for (unsigned hart = 0; hart < config.harts; hart++)
        if (harts >> hart & 1) pending[hart] |= 1u << event;
}

uint32_t EventUnit::levels(unsigned hart, uint64_t time) const {
    uint32_t software = msip[hart] & 1, timer = time >= compare[hart];
    uint32_t external = (pending[hart] & enable[hart]) != 0;
    return software << 3 | timer << 7 | external << 11;
}

// Who waits is let go by `release` and asks again. Harts do not come here in the order of their
// time: the last one may have to wait for one that was ahead.
Access EventUnit::arrive(RegisterAccess &a) {
    uint32_t bit = 1u << a.hart;
    a.data = 0;
    if (!(released & bit)) {
        if (!(members() & bit)) return Access::DONE;
        waiting |= bit;
        latest = std::max(latest, a.time);
        release(a.time);
    }
    if (!(released & bit) || a.time < release_time) return Access::WAIT;
    released &= ~bit;
    fresh &= ~bit;
    return Access::DONE;
}

void EventUnit::release(uint64_t time) {
    bool complete = (waiting & members()) == members();
    uint32_t go = complete ? waiting : waiting & ~members();
    if (!go) return;
    waiting &= ~go;
    released |= go;
    fresh |= go;
    release_time = complete ? std::max(latest, time) : time;
    if (!waiting) latest = 0;
}

}  // namespace heed
