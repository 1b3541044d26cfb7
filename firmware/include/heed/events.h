/* The event unit: barrier, events to sleep for, software interrupts, time. */
#ifndef HEED_EVENTS_H
#define HEED_EVENTS_H

#include "heed/device.h"
#include "heed/hart.h"

#define HEED_EVENT_ENGINE                                                                          \
    (HEED_EVENTS_EVENT_ENABLE_ENGINE_MASK << HEED_EVENTS_EVENT_ENABLE_ENGINE_SHIFT)
#define HEED_EVENT_DMA (HEED_EVENTS_EVENT_ENABLE_DMA_MASK << HEED_EVENTS_EVENT_ENABLE_DMA_SHIFT)
#define HEED_EVENT_SOFTWARE                                                                        \
    (HEED_EVENTS_EVENT_ENABLE_SOFTWARE_MASK << HEED_EVENTS_EVENT_ENABLE_SOFTWARE_SHIFT)

/* Waits until every member (at first: every started hart) has come here. */
static inline void heed_barrier(void)
{
    heed_fence();
    (void)heed_read(HEED_EVENTS_BASE + HEED_EVENTS_BARRIER);
    heed_fence();
}

/* Chooses the harts that take part in the barrier, bit h for hart h. */
static inline void heed_barrier_members(uint32_t mask)
{
    heed_write(HEED_EVENTS_BASE + HEED_EVENTS_BARRIER_MEMBERS, mask);
}

/* Has these events wake this hart, and no others. */
static inline void heed_event_enable(uint32_t events)
{
    heed_write(HEED_EVENTS_BASE + HEED_EVENTS_EVENT_ENABLE +
                   HEED_EVENTS_EVENT_ENABLE_STEP * heed_hart_id(),
               events);
    if (events)
        HEED_CSR_SET(mie, HEED_MIE_EXTERNAL);
    else
        HEED_CSR_CLEAR(mie, HEED_MIE_EXTERNAL);
}

/* This hart's pending events. */
static inline uint32_t heed_event_pending(void)
{
    return heed_read(HEED_EVENTS_BASE + HEED_EVENTS_EVENT_PENDING +
                     HEED_EVENTS_EVENT_PENDING_STEP * heed_hart_id());
}

/* Forgets pending events of this hart. */
static inline void heed_event_clear(uint32_t events)
{
    heed_write(HEED_EVENTS_BASE + HEED_EVENTS_EVENT_PENDING +
                   HEED_EVENTS_EVENT_PENDING_STEP * heed_hart_id(),
               events);
}

/* Sleeps until one of these events, which must be enabled, is pending; clears and returns it.
   No event is lost between looking and sleeping: wfi falls through while one is pending. */
static inline uint32_t heed_event_wait(uint32_t events)
{
    uint32_t seen;
    while (!(seen = heed_event_pending() & events))
        heed_wfi();
    heed_event_clear(seen);
    return seen;
}

/* Sets the software event of each hart in the mask. */
static inline void heed_event_set(uint32_t harts)
{
    heed_write(HEED_EVENTS_BASE + HEED_EVENTS_EVENT_SET, harts);
}

/* Sets or clears the machine software interrupt of a hart. */
static inline void heed_software_interrupt(unsigned hart, unsigned on)
{
    heed_write(HEED_EVENTS_BASE + HEED_EVENTS_MSIP + HEED_EVENTS_MSIP_STEP * hart, on);
}

/* Cycles since reset, as every hart sees them. */
static inline uint64_t heed_time(void)
{
    uint32_t high, low;
    do {
        high = heed_read(HEED_EVENTS_BASE + HEED_EVENTS_MTIME_HIGH);
        low = heed_read(HEED_EVENTS_BASE + HEED_EVENTS_MTIME_LOW);
    } while (high != heed_read(HEED_EVENTS_BASE + HEED_EVENTS_MTIME_HIGH));
    return (uint64_t)high << 32 | low;
}

/* Raises the timer interrupt of this hart from that time on. */
static inline void heed_timer(uint64_t time)
{
    uint32_t hart = heed_hart_id();
    uint32_t low = HEED_EVENTS_BASE + HEED_EVENTS_MTIMECMP_LOW +
                   HEED_EVENTS_MTIMECMP_LOW_STEP * hart;
    uint32_t high = HEED_EVENTS_BASE + HEED_EVENTS_MTIMECMP_HIGH +
                    HEED_EVENTS_MTIMECMP_HIGH_STEP * hart;
    heed_write(high, 0xffffffffu); /* no early interrupt between the halves */
    heed_write(low, (uint32_t)time);
    heed_write(high, (uint32_t)(time >> 32));
}

#endif
