/* Requantisation by heed.rq: sums become bytes. */

#include "arithmetic.h"
#include "elementwise/elementwise.h"
#include "heed/loops.h"
#include "heed/xheed.h"

#include <stdbool.h>

/* Four neighbours, how far it is to the next ones, and how many of them there are. */
struct fours {
    const int32_t *x;
    word *y;
    uint32_t x_step, y_step, count;
};

#if defined(__riscv) && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP && HEED_CORE_XHEED

/* An element, byte `lane` of the word. */
#define BYTE(i, lane)                                                                              \
    "add %[x" #i "], %[x" #i "], %[bias" #i "]\n"                                                  \
    ".insn r 0x2b, 5, " #lane ", %[t], %[x" #i "], %[rq" #i "]\n"

/* t holds the count before the loop. 13 instructions and a cycle's wait for the last byte. */
#define FOURS(lane0, lane1, lane2, lane3)                                                          \
    __asm__ volatile(                                                                              \
        XCV_LOOP(0, "%[t]", 13) "cv.lw %[x0], (%[x]), 4\n"                                         \
        "cv.lw %[x1], (%[x]), 4\n"                                                                 \
        "cv.lw %[x2], (%[x]), 4\n"                                                                 \
        "cv.lw %[x3], (%[x]), %[x_next]\n" BYTE(0, lane0) BYTE(1, lane1) BYTE(2, lane2)            \
            BYTE(3, lane3) "cv.sw %[t], (%[y]), %[y_next]\n"                                       \
        : [t] "+r"(t), [x0] "=&r"(x0), [x1] "=&r"(x1), [x2] "=&r"(x2), [x3] "=&r"(x3),             \
          [x] "+r"(fours.x), [y] "+r"(fours.y)                                                     \
        : [x_next] "r"(fours.x_step - 12), [y_next] "r"(fours.y_step), [bias0] "r"(e[0].bias),     \
          [bias1] "r"(e[1].bias), [bias2] "r"(e[2].bias), [bias3] "r"(e[3].bias),                  \
          [rq0] "r"(e[0].rq), [rq1] "r"(e[1].rq), [rq2] "r"(e[2].rq), [rq3] "r"(e[3].rq)           \
        : "memory")

static inline void do_fours(struct fours fours, const struct heed_core_entry e[4],
                            bool to_unsigned)
{
    uint32_t t = fours.count, x0, x1, x2, x3;

    if (to_unsigned)
        FOURS(4, 5, 6, 7);
    else
        FOURS(0, 1, 2, 3);
}

#else

static inline uint32_t one_byte(uint32_t word, int32_t x, struct heed_core_entry entry,
                                unsigned lane, bool to_unsigned)
{
    int32_t sum = (int32_t)((uint32_t)x + (uint32_t)entry.bias);

    return to_unsigned ? xheed_rq(word, sum, entry.rq, lane, 1)
                       : xheed_rq(word, sum, entry.rq, lane, 0);
}

static inline void do_fours(struct fours fours, const struct heed_core_entry e[4],
                            bool to_unsigned)
{
    while (fours.count--) {
        uint32_t t = one_byte(0, fours.x[0], e[0], 0, to_unsigned);

        t = one_byte(t, fours.x[1], e[1], 1, to_unsigned);
        t = one_byte(t, fours.x[2], e[2], 2, to_unsigned);
        *fours.y = one_byte(t, fours.x[3], e[3], 3, to_unsigned);
        fours.x = ROW(fours.x, 1, fours.x_step);
        fours.y = ROW(fours.y, 1, fours.y_step);
    }
}

#endif

/* Columns that make no word. */
static void single(const struct heed_requantise *job, struct part part)
{
    for (uint32_t c = part.columns.first; c < part.columns.end; c++) {
        struct heed_core_entry entry = job->entries[job->per_column ? c : 0];
        const int32_t *x = ROW(job->x, part.rows.first, job->x_stride) + c;
        uint8_t *y = ROW((uint8_t *)job->y, part.rows.first, job->y_stride) + c;

        for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
            int32_t sum = (int32_t)((uint32_t)*x + (uint32_t)entry.bias);

            *y = (uint8_t)(job->y_unsigned ? xheed_rq(0, sum, entry.rq, 0, 1)
                                           : xheed_rq(0, sum, entry.rq, 0, 0));
            x = ROW(x, 1, job->x_stride);
            y = ROW(y, 1, job->y_stride);
        }
    }
}

void heed_requantise(const struct heed_requantise *given, struct heed_team team)
{
    struct heed_requantise job = *given;
    /* An entry costs about as much as three rows. */
    struct part part = part_of(job.rows, job.columns, 4, job.per_column ? 3 : 0, team);
    uint32_t rows = part.rows.end - part.rows.first;
    uint32_t words = (part.columns.end - part.columns.first) / 4;
    const int32_t *x = ROW(job.x, part.rows.first, job.x_stride) + part.columns.first;
    word *y = (word *)(ROW((uint8_t *)job.y, part.rows.first, job.y_stride) + part.columns.first);
    struct heed_core_entry e[4];

    if (!rows || part.columns.first == part.columns.end)
        return;
    if (job.per_column) { /* down four columns */
        for (uint32_t i = 0; i < words; i++) {
            struct fours fours = {x + 4 * i, y + i, job.x_stride, job.y_stride, rows};

            for (uint32_t j = 0; j < 4; j++)
                e[j] = job.entries[part.columns.first + 4 * i + j];
            do_fours(fours, e, job.y_unsigned);
        }
    } else { /* along the rows */
        e[0] = e[1] = e[2] = e[3] = job.entries[0];
        for (uint32_t row = 0; row < rows && words; row++) {
            struct fours fours = {ROW(x, row, job.x_stride), ROW(y, row, job.y_stride), 16, 4,
                                  words};

            do_fours(fours, e, job.y_unsigned);
        }
    }
    part.columns.first += 4 * words;
    single(&job, part);
}
