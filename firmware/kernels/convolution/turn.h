/* Turning: from words with four channels of a row each to words with four rows of a channel each,
 * which dot products want. */
#ifndef HEED_TURN_H
#define HEED_TURN_H

#include "arithmetic.h"
#include "heed/xcv.h"
#include "matrix/block.h"

/* Four rows, and the distance in each from one pixel to the next. */
struct turn {
    const int8_t *row[BLOCK];
    int32_t step[BLOCK];
};

/* Which bytes to take of two words, 0 to 3 of the first one, 4 to 7 of the other: those of the
   lower two channels, or of the upper two. */
#define TURN_LOW 0x05010400u
#define TURN_HIGH 0x07030602u

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP

/* 18 instructions a pixel. */
static inline __attribute__((always_inline)) void turn_words(word *to, struct turn rows,
                                                             uint32_t pixels)
{
    uint32_t a, b, c, d, e, f;

    __asm__ volatile(XCV_LOOP(0, "%[n]", 18)
                     "cv.lw %[a], (%[r0]), %[s0]\n"
                     "cv.lw %[b], (%[r1]), %[s1]\n"
                     "cv.lw %[c], (%[r2]), %[s2]\n"
                     "cv.lw %[d], (%[r3]), %[s3]\n"
                     "mv %[e], %[a]\n"
                     "mv %[f], %[c]\n"
                     "cv.shuffle2.b %[a], %[b], %[low]\n"
                     "cv.shuffle2.b %[e], %[b], %[high]\n"
                     "cv.shuffle2.b %[c], %[d], %[low]\n"
                     "cv.shuffle2.b %[f], %[d], %[high]\n"
                     "cv.pack %[b], %[c], %[a]\n"
                     "cv.pack.h %[a], %[c], %[a]\n"
                     "cv.pack %[d], %[f], %[e]\n"
                     "cv.pack.h %[e], %[f], %[e]\n"
                     "cv.sw %[b], (%[to]), 4\n"
                     "cv.sw %[a], (%[to]), 4\n"
                     "cv.sw %[d], (%[to]), 4\n"
                     "cv.sw %[e], (%[to]), 4\n"
                     : [to] "+r"(to), [r0] "+r"(rows.row[0]), [r1] "+r"(rows.row[1]),
                       [r2] "+r"(rows.row[2]), [r3] "+r"(rows.row[3]), [a] "=&r"(a), [b] "=&r"(b),
                       [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f)
                     : [n] "r"(pixels), [s0] "r"(rows.step[0]), [s1] "r"(rows.step[1]),
                       [s2] "r"(rows.step[2]), [s3] "r"(rows.step[3]), [low] "r"(TURN_LOW),
                       [high] "r"(TURN_HIGH)
                     : "memory");
}
#define TURN_WORDS 1

#else

static inline void turn_words(word *to, struct turn rows, uint32_t pixels)
{
    (void)to, (void)rows, (void)pixels;
}
#define TURN_WORDS 0

#endif

/* Turns `pixels` pixels, 1 or more: four words each. `channels` of the four are there; `words` says
   that all rows have words. */
static inline void turn(word *to, struct turn rows, uint32_t pixels, uint32_t channels, bool words)
{
    if (TURN_WORDS && words) {
        turn_words(to, rows, pixels);
        return;
    }
    for (; pixels; pixels--, to += BLOCK) {
        for (uint32_t c = 0; c < channels; c++)
            to[c] = (uint8_t)rows.row[0][c] | (uint32_t)(uint8_t)rows.row[1][c] << 8 |
                    (uint32_t)(uint8_t)rows.row[2][c] << 16 |
                    (uint32_t)(uint8_t)rows.row[3][c] << 24;
        for (unsigned i = 0; i < BLOCK; i++)
            rows.row[i] += rows.step[i];
    }
}

#endif
