/* The performance counters of the hart itself: cycles, instructions, and events of choice.
 *
 *     static const uint32_t events[HEED_EVENT_COUNTERS] = HEED_COUNT_WAITS;
 *
 *     heed_counters_select(events);
 *     heed_counters_start();
 *     struct heed_counters before = heed_counters_read();
 *     ... work ...
 *     struct heed_counters cost = heed_counters_since(&before);
 *
 * mcycle is one of them: while they stand still, heed_cycles() does too. */
#ifndef HEED_COUNTERS_H
#define HEED_COUNTERS_H

#include <stdint.h>

#include "heed/hart.h"

/* Event counters that a snapshot holds. A core has 0 to 8 (CoreConfig.event_counters); those that
   it lacks read 0. */
#ifndef HEED_EVENT_COUNTERS
#define HEED_EVENT_COUNTERS 4
#endif

/* What a counter counts: cycles in which one of the chosen events happens, any number of them. */
#define HEED_COUNT_LATE_WAIT (1u << 0)    /* execute waits for a late result */
#define HEED_COUNT_MEMORY_WAIT (1u << 1)  /* execute waits for memory or a device */
#define HEED_COUNT_FETCH_WAIT (1u << 2)   /* execute has nothing: late fetch, taken jump */
#define HEED_COUNT_REDIRECT (1u << 3)     /* a jump, taken branch, trap or return */
#define HEED_COUNT_LOAD (1u << 4)         /* a load or an atomic retires */
#define HEED_COUNT_STORE (1u << 5)        /* a store retires */
#define HEED_COUNT_TCDM_REFUSED (1u << 6) /* a request to the scratchpad is refused */
#define HEED_COUNT_UNIT_WAIT (1u << 7)    /* execute waits for the divider or the multiplier */

/* All reasons to wait, one a counter: with the instructions they explain every cycle. */
#define HEED_COUNT_WAITS                                                                           \
    {                                                                                              \
        HEED_COUNT_LATE_WAIT, HEED_COUNT_MEMORY_WAIT, HEED_COUNT_FETCH_WAIT, HEED_COUNT_UNIT_WAIT  \
    }

/* A snapshot, or the difference of two. */
struct heed_counters {
    uint64_t cycles, instructions;
    uint64_t events[HEED_EVENT_COUNTERS];
};

/* Does something with the number of each event counter, which assembly wants as text. */
#if HEED_EVENT_COUNTERS < 0 || HEED_EVENT_COUNTERS > 8
#error "HEED_EVENT_COUNTERS must be 0 to 8"
#endif
#define HEED_EACH_COUNTER(action)                                                                  \
    action(0, 3) action(1, 4) action(2, 5) action(3, 6) action(4, 7) action(5, 8) action(6, 9)     \
        action(7, 10)

/* Stops all counters of this hart. */
static inline void heed_counters_stop(void)
{
    HEED_CSR_WRITE(mcountinhibit, ~0u);
}

/* Lets all counters of this hart run. */
static inline void heed_counters_start(void)
{
    HEED_CSR_WRITE(mcountinhibit, 0);
}

/* Stops the counters, sets them to 0 and chooses what each one counts. */
static inline void heed_counters_select(const uint32_t events[])
{
    heed_counters_stop();
    HEED_CSR_WRITE(mcycle, 0);
    HEED_CSR_WRITE(mcycleh, 0);
    HEED_CSR_WRITE(minstret, 0);
    HEED_CSR_WRITE(minstreth, 0);
#define HEED_SELECT_(index, number)                                                                \
    if (index < HEED_EVENT_COUNTERS) {                                                             \
        HEED_CSR_WRITE(mhpmevent##number, events[index]);                                          \
        HEED_CSR_WRITE(mhpmcounter##number, 0);                                                    \
        HEED_CSR_WRITE(mhpmcounter##number##h, 0);                                                 \
    }
    HEED_EACH_COUNTER(HEED_SELECT_)
#undef HEED_SELECT_
}

#define HEED_READ_PAIR_(name) ((uint64_t)HEED_CSR_READ(name##h) << 32 | HEED_CSR_READ(name))

/* What the counters say, all at one moment: they stand still while they are read. */
static inline struct heed_counters heed_counters_read(void)
{
    struct heed_counters counters;
    uint32_t inhibited = HEED_CSR_READ(mcountinhibit);

    heed_counters_stop();
    counters.cycles = HEED_READ_PAIR_(mcycle);
    counters.instructions = HEED_READ_PAIR_(minstret);
#define HEED_READ_(index, number)                                                                  \
    if (index < HEED_EVENT_COUNTERS)                                                               \
        counters.events[index] = HEED_READ_PAIR_(mhpmcounter##number);
    HEED_EACH_COUNTER(HEED_READ_)
#undef HEED_READ_
    HEED_CSR_WRITE(mcountinhibit, inhibited);
    return counters;
}

/* What was counted from one snapshot to a later one. */
static inline struct heed_counters heed_counters_between(const struct heed_counters *before,
                                                         const struct heed_counters *after)
{
    struct heed_counters result;

    result.cycles = after->cycles - before->cycles;
    result.instructions = after->instructions - before->instructions;
    for (unsigned i = 0; i < HEED_EVENT_COUNTERS; i++)
        result.events[i] = after->events[i] - before->events[i];
    return result;
}

/* What was counted since a snapshot. */
static inline struct heed_counters heed_counters_since(const struct heed_counters *before)
{
    struct heed_counters now = heed_counters_read();

    return heed_counters_between(before, &now);
}

#endif
