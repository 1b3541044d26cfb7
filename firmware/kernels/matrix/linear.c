/* Linear layer: rows of X times rows of W, requantised per column, in blocks of 4 x 4. */

#include "arithmetic.h"
#include "matrix/linear.h"
#include "block.h"
#include "heed/xheed.h"

/* What a job asks for, known when it is compiled. */
struct kind {
    bool x_unsigned; /* x is uint8 */
    bool odd;        /* inner is no multiple of 4 */
};

/* `blocks` whole blocks, one below the other. Sums start at the bias, so a requantisation is one
   instruction; four make the word that one store writes. Columns go one after the other, because
   a result cannot be used by the next instruction. */
static inline __attribute__((always_inline)) void whole_blocks(struct heed_linear job,
                                                               struct kind kind, uint32_t blocks)
{
    const struct heed_core_entry *entries = job.entries;
    const word *x = job.x;
    int8_t *y = job.y;
    bool aligned = (uintptr_t)y % 4 == 0;

    for (; blocks; blocks--) {
        int32_t sums[BLOCK][BLOCK];
        uint32_t bytes[BLOCK];

        for (unsigned i = 0; i < BLOCK; i++)
            for (unsigned j = 0; j < BLOCK; j++)
                sums[i][j] = entries[j].bias;
        block_sums(sums, (struct rows){x, job.x_stride},
                   (struct rows){(const word *)job.w, job.w_stride}, job.inner, kind.x_unsigned,
                   kind.odd);
        for (unsigned i = 0; i < BLOCK; i++)
            bytes[i] = (uint32_t)sums[i][0];
#define REQUANTISE(column, to_unsigned)                                                            \
    for (unsigned i = 0; i < BLOCK; i++)                                                           \
        bytes[i] = xheed_rq(bytes[i], sums[i][column], entries[column].rq, column, to_unsigned);
        if (job.y_unsigned) {
            REQUANTISE(0, 1) REQUANTISE(1, 1) REQUANTISE(2, 1) REQUANTISE(3, 1)
        } else {
            REQUANTISE(0, 0) REQUANTISE(1, 0) REQUANTISE(2, 0) REQUANTISE(3, 0)
        }
        if (aligned) {
            for (unsigned i = 0; i < BLOCK; i++, y = ROW(y, 1, job.y_stride))
                *(word *)y = bytes[i];
        } else {
            for (unsigned i = 0; i < BLOCK; i++, y = ROW(y, 1, job.y_stride))
                for (unsigned j = 0; j < BLOCK; j++)
                    y[j] = (int8_t)(bytes[i] >> 8 * j);
        }
        x = ROW(x, BLOCK, job.x_stride);
    }
}

/* The first rows and columns of a job that is narrower than a block, element by element. */
static __attribute__((noinline)) void elements(const struct heed_linear *job, uint32_t rows,
                                               uint32_t columns)
{
    const word *x = job->x;
    int8_t *y = job->y;

    for (uint32_t i = 0; i < rows; i++) {
        const word *w = (const word *)job->w;

        for (uint32_t j = 0; j < columns; j++, w = ROW(w, 1, job->w_stride)) {
            struct heed_core_entry entry = job->entries[j];
            int32_t sum = job->x_unsigned ? row_sum(entry.bias, x, w, job->inner, true)
                                          : row_sum(entry.bias, x, w, job->inner, false);

            y[j] = (int8_t)(job->y_unsigned ? xheed_rq(0, sum, entry.rq, 0, 1)
                                            : xheed_rq(0, sum, entry.rq, 0, 0));
        }
        x = ROW(x, 1, job->x_stride);
        y = ROW(y, 1, job->y_stride);
    }
}

static inline uint32_t minimum(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A share of the blocks, which are numbered down the columns: rows of W are used over and over. The
   last block of a column or row may reach back into the one before it, with the same results. */
static inline __attribute__((always_inline)) void linear(const struct heed_linear *job,
                                                         struct share share, struct kind kind)
{
    uint32_t down = (job->rows + BLOCK - 1) / BLOCK;
    uint32_t column = share.first / down * BLOCK, row = share.first % down * BLOCK;

    for (uint32_t left = share.end - share.first; left;) {
        bool whole = job->rows >= BLOCK && job->columns >= BLOCK;
        uint32_t top = whole ? minimum(row, job->rows - BLOCK) : row;
        uint32_t first = whole ? minimum(column, job->columns - BLOCK) : column;
        uint32_t blocks = whole ? minimum((job->rows - top) / BLOCK, left) : 1;
        struct heed_linear part = *job;

        part.x = ROW(job->x, top, job->x_stride);
        part.w = ROW(job->w, first, job->w_stride);
        part.y = (int8_t *)ROW(job->y, top, job->y_stride) + first;
        part.entries += first;
        if (whole)
            whole_blocks(part, kind, blocks);
        else
            elements(&part, minimum(job->rows - row, BLOCK), minimum(job->columns - column, BLOCK));
        left -= blocks;
        row += blocks * BLOCK;
        if (row >= job->rows) {
            row = 0;
            column += BLOCK;
        }
    }
}

void heed_linear(const struct heed_linear *given, struct heed_team team)
{
    struct heed_linear job = *given;
    uint32_t blocks = (job.rows + BLOCK - 1) / BLOCK * ((job.columns + BLOCK - 1) / BLOCK);
    struct share share = share_of(blocks, team);

    if (job.x_unsigned && job.inner % 4)
        linear(&job, share, (struct kind){true, true});
    else if (job.x_unsigned)
        linear(&job, share, (struct kind){true, false});
    else if (job.inner % 4)
        linear(&job, share, (struct kind){false, true});
    else
        linear(&job, share, (struct kind){false, false});
}
