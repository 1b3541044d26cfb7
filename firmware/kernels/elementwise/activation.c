/* Activation by table, four elements a word. */

#include "arithmetic.h"
#include "elementwise/elementwise.h"
#include "heed/loops.h"
#include "heed/xcv.h"

/* Four elements. */
typedef uint32_t __attribute__((may_alias)) word;

/* `middle` is the table's value for 0. */
static inline word look_up_word(word x, const int8_t *middle)
{
    uint32_t low = xcv_packlo_b((uint32_t)middle[(int32_t)xcv_extract_b(x, 1)],
                                (uint32_t)middle[(int32_t)xcv_extract_b(x, 0)], 0);

    return xcv_packhi_b((uint32_t)middle[(int32_t)x >> 24],
                        (uint32_t)middle[(int32_t)xcv_extract_b(x, 2)], low);
}

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP

/* Four bytes of word x, in 11 instructions. None uses a load's result right behind it. */
#define LOOK_UP(x)                                                                                 \
    "cv.extract.b %[i0], " x ", 0\n"                                                               \
    "cv.extract.b %[i1], " x ", 1\n"                                                               \
    "cv.extract.b %[i2], " x ", 2\n"                                                               \
    "srai %[i3], " x ", 24\n"                                                                      \
    "cv.lb %[i0], %[i0](%[middle])\n"                                                              \
    "cv.lb %[i1], %[i1](%[middle])\n"                                                              \
    "cv.lb %[i2], %[i2](%[middle])\n"                                                              \
    "cv.lb %[i3], %[i3](%[middle])\n"                                                              \
    "cv.packlo.b " x ", %[i1], %[i0]\n"                                                            \
    "cv.packhi.b " x ", %[i3], %[i2]\n"                                                            \
    "cv.sw " x ", (%[y]), 4\n"

/* Two words a round, 1 or more, in 24 instructions. */
static inline void look_up_words(const word **x, word **y, uint32_t rounds, const int8_t *middle)
{
    uint32_t x0, x1, i0 = rounds, i1, i2, i3;

    __asm__ volatile(XCV_LOOP(0, "%[i0]", 24)
                     "cv.lw %[x0], (%[x]), 4\n"
                     "cv.lw %[x1], (%[x]), 4\n" LOOK_UP("%[x0]") LOOK_UP("%[x1]")
                     : [i0] "+r"(i0), [i1] "=&r"(i1), [i2] "=&r"(i2), [i3] "=&r"(i3),
                       [x0] "=&r"(x0), [x1] "=&r"(x1), [x] "+r"(*x), [y] "+r"(*y)
                     : [middle] "r"(middle)
                     : "memory");
}

#else

static inline void look_up_words(const word **x, word **y, uint32_t rounds, const int8_t *middle)
{
    for (rounds *= 2; rounds--;)
        *(*y)++ = look_up_word(*(*x)++, middle);
}

#endif

void heed_activation(const struct heed_activation *given, struct heed_team team)
{
    struct heed_activation job = *given;
    const int8_t *middle = job.table + 128;

    /* Rows without gaps are one long row, which can be shared out evenly. */
    if (job.x_stride == job.columns && job.y_stride == job.columns && job.columns % 4 == 0) {
        job.columns *= job.rows;
        job.rows = 1;
    }
    struct part part = part_of(job.rows, job.columns, 4, 0, team);
    uint32_t columns = part.columns.end - part.columns.first;

    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const word *x = (const word *)(ROW(job.x, row, job.x_stride) + part.columns.first);
        word *y = (word *)(ROW(job.y, row, job.y_stride) + part.columns.first);

        if (columns >= 8)
            look_up_words(&x, &y, columns / 8, middle);
        if (columns & 4)
            *y++ = look_up_word(*x++, middle);
        for (uint32_t c = 0; c < columns % 4; c++)
            ((int8_t *)y)[c] = middle[((const int8_t *)x)[c]];
    }
}
