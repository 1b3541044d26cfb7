/* Sums of products for a block of 4 rows times 4 columns: what every product of int8 matrices is
 * made of. */
#ifndef HEED_BLOCK_H
#define HEED_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "arithmetic.h"
#include "heed/loops.h"
#include "heed/xcv.h"

#define BLOCK 4

/* Rows of a block: the first one and their distance in bytes, both multiples of 4. */
struct rows {
    const word *at;
    uint32_t stride;
};

/* The row `index` rows further. */
static inline const word *row_at(struct rows rows, uint32_t index)
{
    return (const word *)((uintptr_t)rows.at + (uintptr_t)index * rows.stride);
}

/* sum + the dot product of four bytes; those of w are signed. */
static inline int32_t dot4(word x, word w, int32_t sum, bool x_unsigned)
{
    return (int32_t)(x_unsigned ? xcv_sdotusp_b(x, w, (uint32_t)sum)
                                : xcv_sdotsp_b(x, w, (uint32_t)sum));
}

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP

/* One row of the block: x in %[xN], the columns' words in %[w0] to %[w3]. */
#define BLOCK_ROW(dot, row, x)                                                                     \
    dot " %[s" #row "0], %[" #x "], %[w0]\n"                                                       \
    dot " %[s" #row "1], %[" #x "], %[w1]\n"                                                       \
    dot " %[s" #row "2], %[" #x "], %[w2]\n"                                                       \
    dot " %[s" #row "3], %[" #x "], %[w3]\n"
/* 24 instructions for 64 products. A pointer walks over the four rows and then on to the next
   word; no word is used by the instruction right after its load. */
#define BLOCK_LOOP(dot)                                                                            \
    XCV_LOOP(0, "%[w0]", 24)                                                                       \
    "cv.lw %[w0], (%[w]), %[w_down]\n"                                                             \
    "cv.lw %[w1], (%[w]), %[w_down]\n"                                                             \
    "cv.lw %[w2], (%[w]), %[w_down]\n"                                                             \
    "cv.lw %[w3], (%[w]), %[w_next]\n"                                                             \
    "cv.lw %[x0], (%[x]), %[x_down]\n"                                                             \
    "cv.lw %[x1], (%[x]), %[x_down]\n" BLOCK_ROW(dot, 0, x0)                                       \
    "cv.lw %[x0], (%[x]), %[x_down]\n" BLOCK_ROW(dot, 1, x1)                                       \
    "cv.lw %[x1], (%[x]), %[x_next]\n" BLOCK_ROW(dot, 2, x0) BLOCK_ROW(dot, 3, x1)

#define BLOCK_ASM(dot)                                                                             \
    __asm__ volatile(BLOCK_LOOP(dot)                                                               \
                     : [s00] "+r"(sums[0][0]), [s01] "+r"(sums[0][1]), [s02] "+r"(sums[0][2]),     \
                       [s03] "+r"(sums[0][3]), [s10] "+r"(sums[1][0]), [s11] "+r"(sums[1][1]),     \
                       [s12] "+r"(sums[1][2]), [s13] "+r"(sums[1][3]), [s20] "+r"(sums[2][0]),     \
                       [s21] "+r"(sums[2][1]), [s22] "+r"(sums[2][2]), [s23] "+r"(sums[2][3]),     \
                       [s30] "+r"(sums[3][0]), [s31] "+r"(sums[3][1]), [s32] "+r"(sums[3][2]),     \
                       [s33] "+r"(sums[3][3]), [x] "+r"(x->at), [w] "+r"(w->at), [w0] "+r"(w0),    \
                       [w1] "=&r"(w1), [w2] "=&r"(w2), [w3] "=&r"(w3), [x0] "=&r"(x0),             \
                       [x1] "=&r"(x1)                                                              \
                     : [x_down] "r"(x->stride), [w_down] "r"(w->stride),                           \
                       [x_next] "r"(4 - 3 * x->stride), [w_next] "r"(4 - 3 * w->stride)            \
                     : "memory")

/* Adds `words` words of each row, 1 or more, to the sums, and moves x and w behind them. */
static inline __attribute__((always_inline)) void block_words(int32_t sums[BLOCK][BLOCK],
                                                              struct rows *x, struct rows *w,
                                                              uint32_t words, bool x_unsigned)
{
    uint32_t w0 = words, w1, w2, w3, x0, x1;

    if (x_unsigned)
        BLOCK_ASM("cv.sdotusp.b");
    else
        BLOCK_ASM("cv.sdotsp.b");
}

#else

static inline void block_words(int32_t sums[BLOCK][BLOCK], struct rows *x, struct rows *w,
                               uint32_t words, bool x_unsigned)
{
    for (uint32_t k = 0; k < words; k++)
        for (unsigned i = 0; i < BLOCK; i++)
            for (unsigned j = 0; j < BLOCK; j++)
                sums[i][j] = dot4(row_at(*x, i)[k], row_at(*w, j)[k], sums[i][j], x_unsigned);
    x->at += words;
    w->at += words;
}

#endif

/* Adds the products of 4 rows x and 4 rows w of `inner` bytes to the sums; `odd` says whether that
   is no multiple of 4. */
static inline __attribute__((always_inline)) void block_sums(int32_t sums[BLOCK][BLOCK],
                                                             struct rows x, struct rows w,
                                                             uint32_t inner, bool x_unsigned,
                                                             bool odd)
{
    if (!odd || inner >= 4)
        block_words(sums, &x, &w, inner / 4, x_unsigned);
    if (odd) {
        word mask = (1u << 8 * (inner % 4)) - 1;

        for (unsigned i = 0; i < BLOCK; i++)
            for (unsigned j = 0; j < BLOCK; j++)
                sums[i][j] = dot4(*row_at(x, i) & mask, *row_at(w, j), sums[i][j], x_unsigned);
    }
}

/* sum + the product of one row and one column. */
static inline int32_t row_sum(int32_t sum, const word *x, const word *w, uint32_t inner,
                              bool x_unsigned)
{
    for (uint32_t k = 0; k < inner / 4; k++)
        sum = dot4(*x++, *w++, sum, x_unsigned);
    if (inner % 4)
        sum = dot4(*x & ((1u << 8 * (inner % 4)) - 1), *w, sum, x_unsigned);
    return sum;
}

#endif
