/* The inner loop of scaled_sum.h: two neighbours at a time, along a row or down two columns, in 32
   bits. */
#ifndef HEED_PAIRS_H
#define HEED_PAIRS_H

#include <stdbool.h>

#include "elementwise/scaled_sum.h"
#include "heed/loops.h"
#include "heed/xcv.h"

/* (a * a_factor + b * b_factor + add) >> shift, or, when `late`, b * b_factor joins after the
   shift. */
struct factors {
    int32_t a, b, add;
    uint32_t shift;
};

/* Two neighbours of each operand, how far it is to the next two, and how many there are; then, how
   far it is from behind the last ones to the next line of them, and how many lines there are. */
struct pairs {
    const void *a, *b;
    void *y;
    uint32_t a_step, b_step, y_step;
    int32_t a_gap, b_gap, y_gap;
    uint32_t count, lines; /* 1 or more */
    enum target target;
    bool late;
    struct factors factors[2];
};

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP &&           \
    HEED_CORE_XCV_ALU && HEED_CORE_XCV_MAC

/* Loads and products of the first operand: a word of two int16, or two bytes. */
#define LOAD_A_2 "cv.lw %[a0], (%[a]), %[a_next]\n"
#define LOAD_A_1                                                                                   \
    "cv.lb %[a0], (%[a]), 1\n"                                                                     \
    "cv.lb %[a1], (%[a]), %[a_next]\n"
#define TIMES_A_2                                                                                  \
    "cv.dotsp.h %[t0], %[a0], %[a_factor0]\n"                                                      \
    "cv.dotsp.h %[t1], %[a0], %[a_factor1]\n"
#define TIMES_A_1                                                                                  \
    "mul %[t0], %[a0], %[a_factor0]\n"                                                             \
    "mul %[t1], %[a1], %[a_factor1]\n"

/* The second operand's are added. */
#define LOAD_B_2 "cv.lw %[b0], (%[b]), %[b_next]\n"
#define LOAD_B_1                                                                                   \
    "cv.lb %[b0], (%[b]), 1\n"                                                                     \
    "cv.lb %[b1], (%[b]), %[b_next]\n"
#define LOAD_B_0
#define TIMES_B_2                                                                                  \
    "cv.sdotsp.h %[t0], %[b0], %[b_factor0]\n"                                                     \
    "cv.sdotsp.h %[t1], %[b0], %[b_factor1]\n"
#define TIMES_B_1                                                                                  \
    "cv.mac %[t0], %[b0], %[b_factor0]\n"                                                          \
    "cv.mac %[t1], %[b1], %[b_factor1]\n"
#define TIMES_B_0

/* Instructions of one operand. */
#define COUNT_2 3
#define COUNT_1 4
#define COUNT_0 0

/* cv.addNr: (t + add) >> shift in one. */
#define ADD_SHIFT                                                                                  \
    ".insn r 0x2b, 3, 0x40, %[t0], %[add0], %[shift0]\n"                                           \
    ".insn r 0x2b, 3, 0x40, %[t1], %[add1], %[shift1]\n"

#define CLIP_BYTE(clip, bits)                                                                      \
    clip " %[t0], %[t0], " bits "\n" clip " %[t1], %[t1], " bits "\n"                              \
         "cv.sb %[t0], (%[y]), 1\n"                                                                \
         "cv.sb %[t1], (%[y]), %[y_next]\n"
#define STORE_INT8 CLIP_BYTE("cv.clip", "8")
#define STORE_UINT8 CLIP_BYTE("cv.clipu", "9")
#define STORE_INT16                                                                                \
    "cv.clip %[t0], %[t0], 16\n"                                                                   \
    "cv.clip %[t1], %[t1], 16\n"                                                                   \
    "cv.pack %[t0], %[t1], %[t0]\n"                                                                \
    "cv.sw %[t0], (%[y]), %[y_next]\n"

/* t0 holds the count before the loop. */
#define PAIRS(a_bytes, b_bytes, early, behind, store)                                              \
    do {                                                                                           \
        t0 = count;                                                                                \
        __asm__ volatile(                                                                          \
            XCV_LOOP(0, "%[t0]", %[body]) LOAD_A_##a_bytes LOAD_B_##b_bytes TIMES_A_##a_bytes      \
                early ADD_SHIFT behind store                                                       \
            : [t0] "+r"(t0), [t1] "=&r"(t1), [a0] "=&r"(a0), [a1] "=&r"(a1), [b0] "=&r"(b0),       \
              [b1] "=&r"(b1), [a] "+r"(a), [b] "+r"(b), [y] "+r"(y)                                \
            : [body] "i"(COUNT_##a_bytes + COUNT_##b_bytes + 6), [a_next] "r"(a_next),             \
              [b_next] "r"(b_next), [y_next] "r"(y_next), [a_factor0] "r"(a_factor0),              \
              [a_factor1] "r"(a_factor1), [b_factor0] "r"(b_factor0), [b_factor1] "r"(b_factor1),  \
              [add0] "r"(add0), [add1] "r"(add1), [shift0] "r"(shift0), [shift1] "r"(shift1)       \
            : "memory");                                                                           \
        a += pairs->a_gap;                                                                         \
        b += pairs->b_gap;                                                                         \
        y += pairs->y_gap;                                                                         \
    } while (--lines)
#define PAIRS_TO(a_bytes, b_bytes, early, behind)                                                  \
    if (target == TO_INT16)                                                                        \
        PAIRS(a_bytes, b_bytes, early, behind, STORE_INT16);                                       \
    else if (target == TO_INT8)                                                                    \
        PAIRS(a_bytes, b_bytes, early, behind, STORE_INT8);                                        \
    else                                                                                           \
        PAIRS(a_bytes, b_bytes, early, behind, STORE_UINT8);
#define PAIRS_OF(a_bytes)                                                                          \
    if (b_bytes == 0) {                                                                            \
        PAIRS_TO(a_bytes, 0, , )                                                                   \
    } else if (b_bytes == 1) {                                                                     \
        if (late) {                                                                                \
            PAIRS_TO(a_bytes, 1, , TIMES_B_1)                                                      \
        } else {                                                                                   \
            PAIRS_TO(a_bytes, 1, TIMES_B_1, )                                                      \
        }                                                                                          \
    } else {                                                                                       \
        if (late) {                                                                                \
            PAIRS_TO(a_bytes, 2, , TIMES_B_2)                                                      \
        } else {                                                                                   \
            PAIRS_TO(a_bytes, 2, TIMES_B_2, )                                                      \
        }                                                                                          \
    }

/* Does all pairs. */
static inline void do_pairs(const struct pairs *pairs, uint32_t a_bytes, uint32_t b_bytes)
{
    const void *a = pairs->a, *b = pairs->b;
    void *y = pairs->y;
    uint32_t t0, t1, a0, a1, b0, b1, count = pairs->count, lines = pairs->lines;
    enum target target = pairs->target;
    bool late = pairs->late;
    /* Bytes are stepped over one by one; a factor lies in the half that it counts for. */
    uint32_t a_next = pairs->a_step - (a_bytes == 1), b_next = pairs->b_step - (b_bytes == 1);
    uint32_t y_next = pairs->y_step - (target != TO_INT16);
    uint32_t a_factor0 = (uint32_t)pairs->factors[0].a, a_factor1 = (uint32_t)pairs->factors[1].a;
    uint32_t b_factor0 = (uint32_t)pairs->factors[0].b, b_factor1 = (uint32_t)pairs->factors[1].b;
    int32_t add0 = pairs->factors[0].add, add1 = pairs->factors[1].add;
    uint32_t shift0 = pairs->factors[0].shift, shift1 = pairs->factors[1].shift;

    if (b_bytes == 2) {
        b_factor0 &= 0xffff;
        b_factor1 <<= 16;
    }
    if (a_bytes == 2) {
        a_factor0 &= 0xffff;
        a_factor1 <<= 16;
        PAIRS_OF(2)
    } else {
        PAIRS_OF(1)
    }
}

#else

static inline int32_t narrow_element(const void *at, uint32_t index, uint32_t bytes)
{
    return bytes == 2 ? ((const int16_t *)at)[index] : bytes ? ((const int8_t *)at)[index] : 0;
}

static inline void do_pairs(const struct pairs *pairs, uint32_t a_bytes, uint32_t b_bytes)
{
    const void *a = pairs->a, *b = pairs->b;
    void *y = pairs->y;

    for (uint32_t line = 0; line < pairs->lines; line++) {
        for (uint32_t n = 0; n < pairs->count; n++) {
            for (uint32_t i = 0; i < 2; i++) {
                struct factors f = pairs->factors[i];
                uint32_t first = (uint32_t)narrow_element(a, i, a_bytes) * (uint32_t)f.a;
                uint32_t second = (uint32_t)narrow_element(b, i, b_bytes) * (uint32_t)f.b;
                uint32_t early = first + (uint32_t)f.add + (pairs->late ? 0 : second);
                uint32_t sum = (uint32_t)((int32_t)early >> f.shift);
                int32_t value = (int32_t)(sum + (pairs->late ? second : 0));

                if (pairs->target == TO_INT16)
                    ((int16_t *)y)[i] = clip16(value);
                else if (pairs->target == TO_INT8)
                    ((int8_t *)y)[i] = clip8(value);
                else
                    ((uint8_t *)y)[i] = (uint8_t)clip(value, 0, UINT8_MAX);
            }
            a = ROW(a, 1, pairs->a_step);
            b = ROW(b, 1, pairs->b_step);
            y = ROW(y, 1, pairs->y_step);
        }
        a = ROW(a, 1, pairs->a_gap);
        b = ROW(b, 1, pairs->b_gap);
        y = ROW(y, 1, pairs->y_gap);
    }
}

#endif

#endif
