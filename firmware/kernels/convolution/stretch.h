/* Stretches: blocks of 4 rows times 4 columns side by side, from patches and weights to requantised
 * results, pooled where they are written.
 *
 * One piece of assembly does a whole stretch, because a block's inner loop takes every register: 16
 * sums, 6 words of the operands, 2 pointers and 4 steps. What else a block needs lies in `struct
 * stretch` on the stack. */
#ifndef HEED_STRETCH_H
#define HEED_STRETCH_H

#include "arithmetic.h"
#include "heed/xcv.h"
#include "heed/xheed.h"
#include "matrix/block.h"
#include "matrix/block_text.h"

struct stretch {
    struct rows x, w;
    uint32_t x_next, w_next; /* from the last row of a block to the next word of the first one */
    uint32_t w_move;         /* from behind a row of w to that of the next block */
    uint32_t words;          /* of a row */
    const struct heed_core_entry *entries;
    uint8_t *y[BLOCK];
    uint32_t at; /* where results begin, from y on */
    uint32_t blocks;
};

/* A stretch with rows of `words` words; x.at, w.at, entries, y, at and blocks are still to come. */
static inline struct stretch new_stretch(uint32_t x_stride, uint32_t w_stride, uint32_t words)
{
    return (struct stretch){
        .x.stride = x_stride,
        .w.stride = w_stride,
        .x_next = 4 - 3 * x_stride,
        .w_next = 4 - 3 * w_stride,
        .w_move = BLOCK * w_stride - 4 * words,
        .words = words,
    };
}

static inline uint32_t larger_bytes(uint32_t a, uint32_t b, bool is_unsigned)
{
    return is_unsigned ? xcv_maxu_b(a, b) : xcv_max_b(a, b);
}

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP &&           \
    HEED_CORE_XHEED

/* Parameters, and the results of a row in its first register: 21 instructions. */
#define STRETCH_RESULTS(U)                                                                         \
    "lw t0, 4(gp)\nlw t1, 12(gp)\nlw t2, 20(gp)\nlw t3, 28(gp)\naddi gp, gp, 32\n" RQ_COLUMN(4, U)

/* 4 instructions more for where pixels lie; 8 for the larger ones of results and what is there. */
#define STRETCH_Y "lw t0, %[y0]\nlw t1, %[y1]\nlw t2, %[y2]\nlw t3, %[y3]\n"
#define STRETCH_LARGER(max)                                                                        \
    "cv.lw a1, tp(t0)\ncv.lw a2, tp(t1)\ncv.lw a3, tp(t2)\ncv.lw a5, tp(t3)\n"                     \
    max " a0, a0, a1\n" max " a4, a4, a2\n" max " s2, s2, a3\n" max " s6, s6, a5\n"
/* Stores and on to the next block: 8 instructions. */
#define STRETCH_STORE                                                                              \
    "cv.sw a0, tp(t0)\ncv.sw a4, tp(t1)\ncv.sw s2, tp(t2)\ncv.sw s6, tp(t3)\n"                     \
    "addi tp, tp, 4\nlw t0, %[w_move]\nlw s10, %[x]\nadd s11, s11, t0\n"

#define STRETCH_ASM(D, larger, body, U)                                                            \
    __asm__ volatile("lw s10, %[x]\nlw s11, %[w]\nlw s0, %[x_stride]\nlw s1, %[x_next]\n"          \
                     "lw t6, %[w_stride]\nlw ra, %[w_next]\nlw gp, %[entries]\nlw tp, %[at]\n"     \
                     "lw t0, %[blocks]\n" XCV_LOOP(1, "t0", body)                                  \
                     BIAS_COLUMN_4 XCV_LOOP(0, "t1", 24) STEP_4(D) STRETCH_RESULTS(U) STRETCH_Y    \
                         larger STRETCH_STORE                                                      \
                     :                                                                             \
                     : [x] "m"(s->x.at), [w] "m"(s->w.at), [x_stride] "m"(s->x.stride),            \
                       [w_stride] "m"(s->w.stride), [x_next] "m"(s->x_next),                       \
                       [w_next] "m"(s->w_next), [w_move] "m"(s->w_move), [words] "m"(s->words),    \
                       [entries] "m"(s->entries), [y0] "m"(s->y[0]), [y1] "m"(s->y[1]),            \
                       [y2] "m"(s->y[2]), [y3] "m"(s->y[3]), [at] "m"(s->at),                      \
                       [blocks] "m"(s->blocks)                                                    \
                     : BLOCK_REGISTERS)

/* Biases, setup, step, results, y, store; and the larger ones. */
#define STRETCH_BODY 17 + 1 + 24 + 21 + 4 + 8
#define STRETCH_CASES(D)                                                                           \
    do {                                                                                           \
        if (pooled && y_unsigned)                                                                  \
            STRETCH_ASM(D, STRETCH_LARGER("cv.maxu.b"), STRETCH_BODY + 8, 1);                    \
        else if (pooled)                                                                           \
            STRETCH_ASM(D, STRETCH_LARGER("cv.max.b"), STRETCH_BODY + 8, 0);                     \
        else if (y_unsigned)                                                                       \
            STRETCH_ASM(D, "", STRETCH_BODY, 1);                                                 \
        else                                                                                       \
            STRETCH_ASM(D, "", STRETCH_BODY, 0);                                                 \
    } while (0)

/* Does a stretch, its results at multiples of 4. Pooled, the larger one of a result and what is in
   its place stays. `s` is a variable of the caller's frame: assembly has no register to find it. */
static inline __attribute__((always_inline)) void run_stretch(struct stretch *s, bool pooled,
                                                              bool x_unsigned, bool y_unsigned)
{
    if (x_unsigned)
        STRETCH_CASES(DOT_1);
    else
        STRETCH_CASES(DOT_0);
}

#else

static inline void run_stretch(const struct stretch *s, bool pooled, bool x_unsigned,
                               bool y_unsigned)
{
    for (uint32_t block = 0; block < s->blocks; block++) {
        const struct heed_core_entry *entries = s->entries + BLOCK * block;
        struct rows w = {row_at(s->w, BLOCK * block), s->w.stride};

        for (unsigned i = 0; i < BLOCK; i++) {
            word *y = (word *)(s->y[i] + s->at) + block, bytes = 0;

            for (unsigned j = 0; j < BLOCK; j++) {
                int32_t sum = entries[j].bias;
                uint32_t byte;

                for (uint32_t k = 0; k < s->words; k++)
                    sum = dot4(row_at(s->x, i)[k], row_at(w, j)[k], sum, x_unsigned);
                byte = y_unsigned ? xheed_rq(0, sum, entries[j].rq, 0, 1)
                                  : xheed_rq(0, sum, entries[j].rq, 0, 0);
                bytes |= byte << 8 * j;
            }
            *y = pooled ? larger_bytes(*y, bytes, y_unsigned) : bytes;
        }
    }
}

#endif

#endif
