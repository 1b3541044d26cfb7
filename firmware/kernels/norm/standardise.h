/* The standardised rows of LayerNorm: exact statistics, one square root and one division a row.
 *
 * xhat = clip16((u * r + half) >> s) with u = columns * x - sum, r the reciprocal deviation of 16
 * bits, s = e + 5, and e half the bits of the variance (sw_model/ops/layernorm.py). Here it is
 *
 *     (mulh(u << a, r << b) + 1) >> 1 with a + b = 33 - s = 28 - e,
 *
 * where the last place that is shifted out rounds half up. b is as large as r << b allows in a
 * signed word, 15; then a is 0, or 13 - e where that is more. Nothing is lost: |u| is at most 64 *
 * 2^e, for columns up to 4096, so |u << a| is below 2^20 or a is 0. */
#ifndef HEED_STANDARDISE_H
#define HEED_STANDARDISE_H

#include <stdbool.h>

#include "arithmetic.h"
#include "heed/loops.h"
#include "heed/xcv.h"

/* Two elements of a row. */
typedef uint32_t __attribute__((may_alias)) pair;

enum {
    PRECISION = 16,       /* bits of the deviation and of its reciprocal */
    FRACTION = 10,        /* fraction bits of the standardised value */
    MOST_UNCLIPPED = 1024 /* columns up to which xhat, at most 1024 * sqrt(columns - 1) *
                             (1 + 2^-14) + 1, fits 16 bits by itself */
};

/* What standardises a row: u << a = x * factor - offset, modulo 2^32. */
struct scale {
    uint32_t factor, offset;
    int32_t reciprocal; /* r << b */
};

struct sums {
    uint32_t sum, low, high; /* squares + sum = high * 2^16 + low */
};

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP

/* Four elements a round, 9 instructions. x * x + x is 0 to 2^30 - 2^15, so that four of them fit a
   word (four squares may not); its halves are added up. */
static inline const pair *sum_up(const pair *x, uint32_t rounds, struct sums *sums)
{
    uint32_t t = rounds, first, second;

    __asm__ volatile(XCV_LOOP(0, "%[t]", 9)
                     "cv.lw %[first], (%[x]), 4\n"
                     "cv.lw %[second], (%[x]), 4\n"
                     "cv.dotsp.sci.h %[t], %[first], 1\n"
                     "cv.sdotsp.sci.h %[t], %[second], 1\n"
                     "add %[sum], %[sum], %[t]\n"
                     "cv.sdotsp.h %[t], %[first], %[first]\n"
                     "cv.sdotsp.h %[t], %[second], %[second]\n"
                     "cv.sdotup.h %[low], %[t], %[lower]\n"
                     "cv.sdotup.h %[high], %[t], %[upper]\n"
                     : [t] "+r"(t), [x] "+r"(x), [first] "=&r"(first), [second] "=&r"(second),
                       [sum] "+r"(sums->sum), [low] "+r"(sums->low), [high] "+r"(sums->high)
                     : [lower] "r"(1), [upper] "r"(1 << 16)
                     : "memory");
    return x;
}

#else

static inline const pair *sum_up(const pair *x, uint32_t rounds, struct sums *sums)
{
    while (rounds--) {
        pair first = *x++, second = *x++;
        uint32_t t = xcv_sdotsp_sc_h(second, 1, xcv_dotsp_sc_h(first, 1));

        sums->sum += t;
        t = xcv_sdotsp_h(second, second, xcv_sdotsp_h(first, first, t));
        sums->low += t & 0xffff;
        sums->high += t >> 16;
    }
    return x;
}

#endif

/* Number of bits of a value that is not 0. */
static inline uint32_t bits_of(uint64_t value)
{
    uint32_t high = (uint32_t)(value >> 32);

    return high ? 33 + xcv_fl1(high) : 1 + xcv_fl1((uint32_t)value);
}

/* floor(sqrt(value)) of a value of 31 or 32 bits. The first guess, 2/3 * value / 2^16 + 0.354 *
   2^16, is off by 4 % at most. A step of Newton's squares and halves that, and never falls below
   the result: after two it is the result or 1 more. */
static inline uint32_t square_root(uint32_t value)
{
    uint32_t root = (uint32_t)((uint64_t)value * 43691 >> 32) + 23206;

    root = (root + value / root) / 2;
    root = (root + value / root) / 2;
    if (root > UINT16_MAX)
        root = UINT16_MAX;
    return root - (root * root > value);
}

static inline struct scale measure(const int16_t *x, uint32_t columns)
{
    struct sums sums = {0, 0, 0};
    const int16_t *end = x + columns;

    if (columns >= 4)
        x = (const int16_t *)sum_up((const pair *)x, columns / 4, &sums);
    uint64_t squares = ((uint64_t)sums.high << 16) + sums.low - (uint64_t)(int32_t)sums.sum;
    for (; x < end; x++) {
        sums.sum += (uint32_t)*x;
        squares += (uint32_t)(*x * *x);
    }
    /* columns^2 times the variance. Where it is 0, so is u, and the reciprocal plays no part. */
    int32_t sum = (int32_t)sums.sum;
    uint64_t variance = columns * squares - (uint64_t)product(sum, sum);
    if (variance == 0)
        return (struct scale){columns, sums.sum, 0};

    /* An even power of two brings it to 31 or 32 bits, so that the root has 16. */
    uint32_t e = (bits_of(variance) + 1) / 2;
    uint32_t scaled = e < PRECISION
                          ? (uint32_t)variance << 2 * (PRECISION - e)
                          : (uint32_t)shift_right_low((int64_t)variance, 2 * (e - PRECISION));
    uint32_t reciprocal = (1u << (2 * PRECISION - 1)) / square_root(scaled);
    if (reciprocal > (1u << PRECISION) - 1)
        reciprocal = (1u << PRECISION) - 1;

    uint32_t a = e < 13 ? 13 - e : 0;
    return (struct scale){columns << a, sums.sum << a, (int32_t)(reciprocal << (28 - e - a))};
}

/* The high half of the exact 64-bit product. */
static inline int32_t product_high(int32_t a, int32_t b)
{
    return (int32_t)(product(a, b) >> 32);
}

static inline int32_t standardise(int32_t x, struct scale scale)
{
    int32_t u = (int32_t)((uint32_t)x * scale.factor - scale.offset);

    return clip16((product_high(u, scale.reciprocal) + 1) >> 1);
}

/* Whether a row's factor fits the half of a word that dot products take. Only rows whose elements
   are nearly all the same have more. */
static inline bool packs(struct scale scale)
{
    return scale.factor <= INT16_MAX;
}

/* A bound of |xhat|: 1024 * (sqrt(columns) rounded up), and 2 more. */
static inline uint32_t most_standardised(uint32_t columns)
{
    uint32_t root = 0; /* the largest number whose square is below `columns` */

    for (uint32_t step = 64; step; step >>= 1)
        if ((root + step) * (root + step) < columns)
            root += step;
    return columns <= MOST_UNCLIPPED ? ((root + 1) << FRACTION) + 2 : 1u << 15;
}

#endif
