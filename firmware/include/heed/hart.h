/* The hart itself: its number, control and status registers, cycle counter, sleep. */
#ifndef HEED_HART_H
#define HEED_HART_H

#include <stdint.h>

#include "heed/device.h"

#define HEED_MAX_HARTS 16u

#define HEED_CSR_READ(name)                                                                        \
    ({                                                                                             \
        uint32_t value_;                                                                           \
        __asm__ volatile("csrr %0, " #name : "=r"(value_));                                        \
        value_;                                                                                    \
    })
#define HEED_CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"(value) : "memory")
#define HEED_CSR_SET(name, bits) __asm__ volatile("csrs " #name ", %0" ::"r"(bits) : "memory")
#define HEED_CSR_CLEAR(name, bits) __asm__ volatile("csrc " #name ", %0" ::"r"(bits) : "memory")

/* Bits of mie and mip, and the global enable in mstatus. */
#define HEED_MIE_SOFTWARE (1u << 3)
#define HEED_MIE_TIMER (1u << 7)
#define HEED_MIE_EXTERNAL (1u << 11)
#define HEED_MSTATUS_MIE (1u << 3)

/* Number of this hart, from 0. */
static inline unsigned heed_hart_id(void)
{
    return HEED_CSR_READ(mhartid);
}

/* Mask of the harts that run in this program. */
static inline uint32_t heed_started(void)
{
    return heed_read(HEED_EVENTS_BASE + HEED_EVENTS_HART_STARTED);
}

/* How many harts run in this program; they are 0 to that number - 1. */
static inline unsigned heed_harts(void)
{
    unsigned count = 0;
    for (uint32_t started = heed_started(); started; started &= started - 1)
        count++;
    return count;
}

/* Cycles since reset, low half; differences hold over 2^32 cycles. */
static inline uint32_t heed_cycles(void)
{
    return HEED_CSR_READ(mcycle);
}

/* Cycles since reset. */
static inline uint64_t heed_cycles64(void)
{
    uint32_t high, low;
    do {
        high = HEED_CSR_READ(mcycleh);
        low = HEED_CSR_READ(mcycle);
    } while (high != HEED_CSR_READ(mcycleh));
    return (uint64_t)high << 32 | low;
}

/* Sleeps until an interrupt that mie enables is pending; it is taken only if mstatus.MIE is set. */
static inline void heed_wfi(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

/* Every earlier load and store is performed before any later one. */
static inline void heed_fence(void)
{
    __asm__ volatile("fence" ::: "memory");
}

/* Instruction fetch sees earlier stores. */
static inline void heed_fence_i(void)
{
    __asm__ volatile("fence.i" ::: "memory");
}

#endif
