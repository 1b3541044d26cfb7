/* Copies from four places at a time into the four rows of a buffer. */
#ifndef HEED_PIECES_H
#define HEED_PIECES_H

#include "arithmetic.h"
#include "matrix/block.h"

/* Four places, and the buffer's first row with the distance of its rows. */
struct copy {
    const int8_t *from[BLOCK];
    int8_t *to;
    uint32_t stride;
};

#if defined(__riscv) && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP

/* Four loads, four stores: no value is stored right after its load. */
#define COPY_LOOPS(load, store, unit)                                                              \
    __asm__ volatile(XCV_LOOP(1, "%[pieces]", 13) XCV_LOOP(0, "%[n]", 8)                           \
                     "cv." load " %[t0], (%[s0]), " #unit "\n"                                     \
                     "cv." load " %[t1], (%[s1]), " #unit "\n"                                     \
                     "cv." load " %[t2], (%[s2]), " #unit "\n"                                     \
                     "cv." load " %[t3], (%[s3]), " #unit "\n"                                     \
                     "cv." store " %[t0], (%[to]), %[down]\n"                                      \
                     "cv." store " %[t1], (%[to]), %[down]\n"                                      \
                     "cv." store " %[t2], (%[to]), %[down]\n"                                      \
                     "cv." store " %[t3], (%[to]), %[next]\n"                                      \
                     "add %[s0], %[s0], %[skip]\n"                                                 \
                     "add %[s1], %[s1], %[skip]\n"                                                 \
                     "add %[s2], %[s2], %[skip]\n"                                                 \
                     "add %[s3], %[s3], %[skip]\n"                                                 \
                     : [to] "+r"(copy->to), [s0] "+r"(copy->from[0]), [s1] "+r"(copy->from[1]),    \
                       [s2] "+r"(copy->from[2]), [s3] "+r"(copy->from[3]), [t0] "=&r"(t0),         \
                       [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3)                              \
                     : [pieces] "r"(pieces), [n] "r"(bytes / unit), [down] "r"(copy->stride),      \
                       [next] "r"(unit - 3 * copy->stride), [skip] "r"(skip)                       \
                     : "memory")

/* Copies pieces of `bytes` bytes, one or more from each place, `unit` (1, 2 or 4) bytes at a time.
   In the rows they lie one right behind the other; behind each, the places move on by `skip`. */
static inline __attribute__((always_inline)) void copy_pieces(struct copy *copy, uint32_t pieces,
                                                              uint32_t bytes, int32_t skip,
                                                              unsigned unit)
{
    uint32_t t0, t1, t2, t3;

    if (unit == 4)
        COPY_LOOPS("lw", "sw", 4);
    else if (unit == 2)
        COPY_LOOPS("lhu", "sh", 2);
    else
        COPY_LOOPS("lbu", "sb", 1);
}

#else

static inline void copy_pieces(struct copy *copy, uint32_t pieces, uint32_t bytes, int32_t skip,
                               unsigned unit)
{
    for (; pieces; pieces--) {
        for (unsigned i = 0; i < BLOCK; i++) {
            int8_t *to = ROW(copy->to, i, copy->stride);

            if (unit == 4)
                for (uint32_t k = 0; k < bytes; k += 4)
                    *(word *)(to + k) = *(const word *)(copy->from[i] + k);
            else
                for (uint32_t k = 0; k < bytes; k++)
                    to[k] = copy->from[i][k];
            copy->from[i] = ROW(copy->from[i] + bytes, 1, skip);
        }
        copy->to += bytes;
    }
}

#endif

#endif
