/* The inner loop of LayerNorm: four columns of several rows, from elements to bytes. */
#ifndef HEED_FOUR_COLUMNS_H
#define HEED_FOUR_COLUMNS_H

#include "heed/xheed.h"
#include "norm/standardise.h"

/* What makes a byte of a standardised value, in words: heed.rq of xhat * mul + add with rq; in core
   form of xhat + add, where add counts twice as long as nothing is clipped (`form`). */
struct column {
    int32_t mul, add;
    uint32_t rq;
};

enum form { GENERAL, GENERAL_CLIPPED, CORE, CORE_CLIPPED };

/* Where the block's first row and column are, and the rows' distances in bytes. */
struct block {
    const pair *x;
    uint32_t x_stride;
    pair *y;
    uint32_t y_stride;
};

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP &&           \
    HEED_CORE_XCV_ALU && HEED_CORE_XHEED

/* The same for all four. */
#define EACH(text) text(0) text(1) text(2) text(3)

/* mulh(u, reciprocal) of four elements, in 16 instructions. Those that wait for a load or a
   product come two or more behind it. */
#define STANDARDISE                                                                                \
    "cv.lw %[x0], (%[x]), 4\n"                                                                     \
    "cv.lw %[x1], (%[x]), %[x_next]\n"                                                             \
    "cv.lw %[reciprocal], (%[scale]), 4\n"                                                         \
    "cv.dotsp.h %[t0], %[x0], %[factor]\n"                                                         \
    "cv.dotsp.h %[t2], %[x1], %[factor]\n"                                                         \
    "slli %[factor], %[factor], 16\n"                                                              \
    "cv.dotsp.h %[t1], %[x0], %[factor]\n"                                                         \
    "cv.dotsp.h %[t3], %[x1], %[factor]\n" EACH(CENTRE) EACH(SCALE)
#define CENTRE(i) "sub %[t" #i "], %[t" #i "], %[offset]\n"
#define SCALE(i) "mulh %[t" #i "], %[t" #i "], %[reciprocal]\n"

#define ROUND(i) "cv.addRN %[t" #i "], %[t" #i "], zero, 1\n"
#define CLIP(i) "cv.clip %[t" #i "], %[t" #i "], 16\n"
#define MULTIPLY(i) "mul %[t" #i "], %[t" #i "], %[mul" #i "]\n"
#define ADD(i) "add %[t" #i "], %[t" #i "], %[add" #i "]\n"
#define ROUND_ADD(i) "cv.addRN %[t" #i "], %[t" #i "], %[add" #i "], 1\n"
#define PACK(i) ".insn r 0x2b, 5, " #i ", %[x0], %[t" #i "], %[rq" #i "]\n"

/* The last 11. A byte joins its word two instructions behind the one before it; the next row's
   factor and offset fill the gaps. */
#define FINISH(last)                                                                               \
    last(0) last(1) PACK(0) last(2) PACK(1) last(3) PACK(2)                                        \
        "cv.lw %[factor], (%[scale]), 4\n" PACK(3)                                                 \
        "cv.lw %[offset], (%[scale]), 4\n"                                                         \
        "cv.sw %[x0], (%[y]), %[y_next]\n"

/* t0 holds the number of rows before the loop. */
#define FOUR_COLUMNS(count, middle, last)                                                          \
    __asm__ volatile(                                                                              \
        XCV_LOOP(0, "%[t0]", count) STANDARDISE middle FINISH(last)                                \
        : [t0] "+r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [x0] "=&r"(x0),           \
          [x1] "=&r"(x1), [factor] "+r"(factor), [offset] "+r"(offset),                            \
          [reciprocal] "=&r"(reciprocal), [x] "+r"(block.x), [y] "+r"(block.y),                    \
          [scale] "+r"(next)                                                                       \
        : [x_next] "r"(block.x_stride - 4), [y_next] "r"(block.y_stride), [mul0] "r"(c[0].mul),    \
          [mul1] "r"(c[1].mul), [mul2] "r"(c[2].mul), [mul3] "r"(c[3].mul), [add0] "r"(c[0].add),  \
          [add1] "r"(c[1].add), [add2] "r"(c[2].add), [add3] "r"(c[3].add), [rq0] "r"(c[0].rq),    \
          [rq1] "r"(c[1].rq), [rq2] "r"(c[2].rq), [rq3] "r"(c[3].rq)                               \
        : "memory")

/* Four columns of `rows` rows, 1 or more. `scales` has two words more than these rows' scales: the
   loop reads them. */
static inline __attribute__((always_inline)) void
four_columns(struct block block, const struct scale *scales, uint32_t rows,
             const struct column c[4], enum form form)
{
    uint32_t t0 = rows, t1, t2, t3, x0, x1, reciprocal;
    uint32_t factor = scales->factor, offset = scales->offset;
    const int32_t *next = &scales->reciprocal;

    switch (form) {
    case GENERAL:
        FOUR_COLUMNS(35, EACH(ROUND) EACH(MULTIPLY), ADD);
        break;
    case GENERAL_CLIPPED:
        FOUR_COLUMNS(39, EACH(ROUND) EACH(CLIP) EACH(MULTIPLY), ADD);
        break;
    case CORE:
        FOUR_COLUMNS(27, , ROUND_ADD);
        break;
    case CORE_CLIPPED:
        FOUR_COLUMNS(35, EACH(ROUND) EACH(CLIP), ADD);
        break;
    }
}

#else

static inline uint32_t finish(uint32_t word, int32_t x, struct scale scale,
                              const struct column *column, unsigned lane, enum form form)
{
    int32_t u = (int32_t)((uint32_t)x * scale.factor - scale.offset);
    int32_t t = product_high(u, scale.reciprocal);

    if (form == CORE)
        return xheed_rq(word, (t + column->add + 1) >> 1, column->rq, lane, 0);
    t = (t + 1) >> 1;
    if (form != GENERAL)
        t = clip16(t);
    if (form != CORE_CLIPPED)
        t = (int32_t)((uint32_t)t * (uint32_t)column->mul);
    return xheed_rq(word, (int32_t)((uint32_t)t + (uint32_t)column->add), column->rq, lane, 0);
}

static inline void four_columns(struct block block, const struct scale *scales, uint32_t rows,
                                const struct column c[4], enum form form)
{
    for (; rows--; scales++) {
        pair first = block.x[0], second = block.x[1];
        uint32_t word = finish(0, (int16_t)first, *scales, &c[0], 0, form);

        word = finish(word, (int32_t)first >> 16, *scales, &c[1], 1, form);
        word = finish(word, (int16_t)second, *scales, &c[2], 2, form);
        *block.y = finish(word, (int32_t)second >> 16, *scales, &c[3], 3, form);
        block.x = ROW(block.x, 1, block.x_stride);
        block.y = ROW(block.y, 1, block.y_stride);
    }
}

#endif

#endif
