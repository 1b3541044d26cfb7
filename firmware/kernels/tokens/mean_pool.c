/* Mean over the rows of a matrix. */

#include "arithmetic.h"
#include "heed/loops.h"
#include "heed/xcv.h"
#include "tokens/tokens.h"

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP

/* Adds two rows a round, 1 or more rounds, to the sums of four columns, in 8 instructions: the two
   bytes of a column come into one word, and a dot product adds both. */
static inline const word *add_rows(int32_t sums[4], const word *x, uint32_t stride,
                                   uint32_t rounds)
{
    uint32_t x0 = rounds, x1, lower;

    __asm__ volatile(XCV_LOOP(0, "%[x0]", 8)
                     "cv.lw %[x0], (%[x]), %[stride]\n"
                     "cv.lw %[x1], (%[x]), %[stride]\n"
                     "cv.pack %[lower], %[x1], %[x0]\n"
                     "cv.pack.h %[x0], %[x1], %[x0]\n"
                     "cv.sdotsp.b %[sum0], %[lower], %[even]\n"
                     "cv.sdotsp.b %[sum1], %[lower], %[odd]\n"
                     "cv.sdotsp.b %[sum2], %[x0], %[even]\n"
                     "cv.sdotsp.b %[sum3], %[x0], %[odd]\n"
                     : [x0] "+r"(x0), [x1] "=&r"(x1), [lower] "=&r"(lower), [x] "+r"(x),
                       [sum0] "+r"(sums[0]), [sum1] "+r"(sums[1]), [sum2] "+r"(sums[2]),
                       [sum3] "+r"(sums[3])
                     : [stride] "r"(stride), [even] "r"(0x00010001), [odd] "r"(0x01000100)
                     : "memory");
    return x;
}

#else

static inline const word *add_rows(int32_t sums[4], const word *x, uint32_t stride,
                                   uint32_t rounds)
{
    for (rounds *= 2; rounds--; x = ROW(x, 1, stride))
        for (uint32_t i = 0; i < 4; i++)
            sums[i] += (int8_t)(*x >> 8 * i);
    return x;
}

#endif

void heed_mean_pool(const struct heed_mean_pool *given, struct heed_team team)
{
    struct heed_mean_pool job = *given;
    struct share share = share_of((job.columns + 3) / 4, team);
    struct entry entry = unpack(job.entry);

    for (uint32_t c = 4 * share.first; c < 4 * share.end && c < job.columns; c += 4) {
        const word *x = (const word *)(job.x + c);
        int32_t sums[4] = {0, 0, 0, 0};

        if (job.rows >= 2)
            x = add_rows(sums, x, job.x_stride, job.rows / 2);
        if (job.rows % 2)
            for (uint32_t i = 0; i < 4; i++)
                sums[i] += (int8_t)(*x >> 8 * i);
        for (uint32_t i = 0; i < 4 && c + i < job.columns; i++)
            job.y[c + i] = clip8(shift_right(product(sums[i], entry.mul) + entry.add, entry.shift));
    }
}
