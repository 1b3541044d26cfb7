/* Softmax of a row: its exponentials and the factor that normalises their products. */
#ifndef HEED_SOFTMAX_H
#define HEED_SOFTMAX_H

#include "arithmetic.h"
#include "block.h"
#include "kernel.h"
#include "heed/xcv.h"

#define ONES 0x01010101u

/* The largest of `words` words of four int8. */
static inline int32_t largest(const word *at, uint32_t words)
{
    uint32_t most = 0x80808080u;

    if (words % 2)
        most = *at++;
#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP
    uint32_t pairs = words / 2, a, b;

    if (pairs)
        __asm__ volatile(XCV_LOOP(0, "%[pairs]", 4) "cv.lw %[a], (%[at]), 4\n"
                                                    "cv.lw %[b], (%[at]), 4\n"
                                                    "cv.max.b %[most], %[most], %[a]\n"
                                                    "cv.max.b %[most], %[most], %[b]\n"
                         : [most] "+r"(most), [at] "+r"(at), [a] "=&r"(a), [b] "=&r"(b)
                         : [pairs] "r"(pairs)
                         : "memory");
#else
    for (uint32_t k = 0; k < words / 2 * 2; k++)
        most = xcv_max_b(most, at[k]);
#endif
    most = xcv_max_b(most, most >> 16 | most << 16);
    most = xcv_max_b(most, most >> 8 | most << 24);
    return (int8_t)most;
}

/* Replaces each of four int8 in `words` words, 1 or more, by its exponential; returns their sum. */
static inline uint32_t exponentials(word *at, uint32_t words, const uint8_t *base)
{
    uint32_t sum = 0;

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP
    const word *from = at;
    uint32_t a, b, c, d;

    __asm__ volatile(XCV_LOOP(0, "%[words]", 12) "cv.lb %[a], (%[from]), 1\n"
                                                 "cv.lb %[b], (%[from]), 1\n"
                                                 "cv.lb %[c], (%[from]), 1\n"
                                                 "cv.lb %[d], (%[from]), 1\n"
                                                 "cv.lbu %[a], %[a](%[base])\n"
                                                 "cv.lbu %[b], %[b](%[base])\n"
                                                 "cv.lbu %[c], %[c](%[base])\n"
                                                 "cv.lbu %[d], %[d](%[base])\n"
                                                 "cv.packlo.b %[a], %[b], %[a]\n"
                                                 "cv.packhi.b %[a], %[d], %[c]\n"
                                                 "cv.sw %[a], (%[at]), 4\n"
                                                 "cv.sdotup.b %[sum], %[a], %[ones]\n"
                     : [sum] "+r"(sum), [at] "+r"(at), [from] "+r"(from), [a] "=&r"(a),
                       [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d)
                     : [words] "r"(words), [base] "r"(base), [ones] "r"(ONES)
                     : "memory");
    return sum;
#else
    for (uint32_t k = 0; k < words; k++) {
        uint32_t four = at[k];

        at[k] = (uint32_t)base[(int8_t)four] | (uint32_t)base[(int8_t)(four >> 8)] << 8 |
                (uint32_t)base[(int8_t)(four >> 16)] << 16 |
                (uint32_t)base[(int8_t)(four >> 24)] << 24;
        sum = xcv_sdotup_b(at[k], ONES, sum);
    }
    return sum;
#endif
}

/* Rows of logits of which the same number counts. */
struct logit_rows {
    word *at;
    uint32_t stride; /* in bytes */
    uint32_t rows;
    uint32_t seen;  /* logits that count */
    uint32_t words; /* of a row, those behind them become zeros */
};

/* What normalises a row: a quotient that may still be on its way, and the row's length. */
struct factor {
    uint32_t quotient, shift;
};

/* The quotient of a row whose exponentials have this sum. A division takes a cycle a bit beside other
   instructions; only who uses it waits. */
static inline struct factor start_factor(uint32_t sum, uint32_t g)
{
    uint32_t length = xcv_fl1(sum), quotient = 4096u << length;

#ifdef __riscv
    __asm__ volatile("divu %0, %0, %1" : "+r"(quotient) : "r"(sum));
#else
    quotient /= sum;
#endif
    return (struct factor){quotient, 12 + length - g};
}

static inline void store_factor(struct heed_core_entry *to, struct factor factor)
{
    uint32_t reciprocal = factor.quotient > 4095 ? 4095 : factor.quotient;

    to->bias = 0;
    to->rq = reciprocal | factor.shift << 16;
}

/* Exponentials of a row and their sum; `most` is the largest logit. Bytes of the last word that the
   mask leaves out become 0. */
static inline uint32_t exponentials_of(word *row, uint32_t words, word mask, int32_t most,
                                       const uint8_t *table)
{
    uint32_t sum = exponentials(row, words, table + 255 - most);

    if (~mask) {
        sum -= xcv_dotup_b(row[words - 1] & ~mask, ONES);
        row[words - 1] &= mask;
    }
    return sum;
}

/* Turns logits into exponentials. `table` has those by distance, 255 first. Each row gets the
   parameters of the requantisation that normalises a sum of products: r and the shift 11 + nb - g.
   The division of a row runs while the next one looks for its largest logit. */
static inline void softmax_rows(struct logit_rows given, const uint8_t *table, uint32_t g,
                                struct heed_core_entry *factors)
{
    uint32_t used = (given.seen + 3) / 4, words = given.words, stride = given.stride;
    word mask = given.seen % 4 ? (1u << 8 * (given.seen % 4)) - 1 : ~0u;
    struct factor factor = start_factor(1, g);
    word *row = given.at;

    for (struct heed_core_entry *at = factors, *end = factors + given.rows; at != end; at++) {
        int32_t most = 0;

        for (uint32_t k = used; k < words; k++)
            row[k] = 0;
        if (used) {
            if (~mask) /* never above a logit */
                row[used - 1] = (row[used - 1] & mask) | (0x80808080u & ~mask);
            most = largest(row, used);
        }
        if (at != factors)
            store_factor(at - 1, factor);
        if (used)
            factor = start_factor(exponentials_of(row, used, mask, most, table), g);
        row = ROW(row, 1, stride);
    }
    store_factor(factors + given.rows - 1, factor);
}

#endif
