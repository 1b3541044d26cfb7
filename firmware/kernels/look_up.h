/* Activation tables: 256 results, the one for -128 first. */
#ifndef HEED_LOOK_UP_H
#define HEED_LOOK_UP_H

#include "arithmetic.h"
#include "heed/loops.h"
#include "heed/xcv.h"

/* Four results. */
static inline word look_up(word bytes, const int8_t *table)
{
    const uint8_t *zero = (const uint8_t *)table + 128;

    return (word)zero[(int8_t)bytes] | (word)zero[(int8_t)(bytes >> 8)] << 8 |
           (word)zero[(int8_t)(bytes >> 16)] << 16 | (word)zero[(int8_t)(bytes >> 24)] << 24;
}

/* Looks up `words` words, 1 or more, in 11 instructions each; words lie `x_stride` and `y_stride`
   bytes apart. x and y may be the same. */
static inline void look_up_words(const word *x, uint32_t x_stride, word *y, uint32_t y_stride,
                                 uint32_t words, const int8_t *table)
{
#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP
    uint32_t a, b, c, d;

    __asm__ volatile(XCV_LOOP(0, "%[words]", 11) "cv.lb %[a], (%[x]), 1\n"
                                                 "cv.lb %[b], (%[x]), 1\n"
                                                 "cv.lb %[c], (%[x]), 1\n"
                                                 "cv.lb %[d], (%[x]), %[next]\n"
                                                 "cv.lbu %[a], %[a](%[zero])\n"
                                                 "cv.lbu %[b], %[b](%[zero])\n"
                                                 "cv.lbu %[c], %[c](%[zero])\n"
                                                 "cv.lbu %[d], %[d](%[zero])\n"
                                                 "cv.packlo.b %[a], %[b], %[a]\n"
                                                 "cv.packhi.b %[a], %[d], %[c]\n"
                                                 "cv.sw %[a], (%[y]), %[stride]\n"
                     : [x] "+r"(x), [y] "+r"(y), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),
                       [d] "=&r"(d)
                     : [words] "r"(words), [zero] "r"(table + 128), [stride] "r"(y_stride),
                       [next] "r"(x_stride - 3)
                     : "memory");
#else
    for (; words; words--, x = ROW(x, 1, x_stride), y = ROW(y, 1, y_stride))
        *y = look_up(*x, table);
#endif
}

#endif
