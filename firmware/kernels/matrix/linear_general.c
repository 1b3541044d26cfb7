/* Linear layer with requantisation in general form, in blocks of 4 x 4. */

#include "arithmetic.h"
#include "block.h"
#include "matrix/linear.h"

/* A part of a block: where it begins in the result, and how much of it is new. */
struct piece {
    uint32_t row, column, rows, columns;
};

static inline int32_t residual(const struct heed_linear_general *job, uint32_t row, uint32_t column)
{
    const int8_t *r = ROW((const int8_t *)job->r, row, job->r_stride);

    return job->r_bytes == 1 ? r[column] : ((const int16_t *)r)[column];
}

/* One result. */
static inline void finish(const struct heed_linear_general *job, struct entry entry, uint32_t row,
                          uint32_t column, int32_t sum)
{
    void *y = ROW(job->y, row, job->y_stride);
    int64_t total = product(sum, entry.mul) + entry.add;

    if (job->r) {
        uint64_t joined = (uint64_t)product(residual(job, row, column), entry.rmul) << entry.rsh;
        total += (int64_t)joined;
    }
    int32_t value = shift_right(total, entry.shift);

    if (job->y_type == HEED_ELEMENT_TYPE_INT16)
        ((int16_t *)y)[column] = clip16(value);
    else if (job->table)
        ((int8_t *)y)[column] = job->table[clip8(value) + 128];
    else if (job->y_type == HEED_ELEMENT_TYPE_UINT8)
        ((uint8_t *)y)[column] = (uint8_t)clip(value, 0, UINT8_MAX);
    else
        ((int8_t *)y)[column] = clip8(value);
}

/* The new results of a block, from its sums. */
static void finish_block(const struct heed_linear_general *job, struct piece piece,
                         int32_t sums[BLOCK][BLOCK])
{
    for (uint32_t j = 0; j < piece.columns; j++) {
        uint32_t column = piece.column + j;
        struct entry entry = {0};

        if (job->entries && job->mode != HEED_PARAM_MODE_ROW)
            entry = unpack(job->entries + (job->mode == HEED_PARAM_MODE_COLUMN ? column : 0));
        for (uint32_t i = 0; i < piece.rows; i++) {
            uint32_t row = piece.row + i;

            if (!job->entries) {
                ((int32_t *)ROW(job->y, row, job->y_stride))[column] = sums[i][j];
                continue;
            }
            if (job->mode == HEED_PARAM_MODE_ROW)
                entry = unpack(job->entries + row);
            finish(job, entry, row, column, sums[i][j]);
        }
    }
}

/* Sums of a whole block: rows of data times rows of weights, whichever of x and w they are. */
static __attribute__((noinline)) void whole_block(int32_t sums[BLOCK][BLOCK], struct rows data,
                                                  struct rows weights, uint32_t inner,
                                                  bool is_unsigned)
{
    bool odd = inner % 4 != 0;

    if (is_unsigned && odd)
        block_sums(sums, data, weights, inner, true, true);
    else if (is_unsigned)
        block_sums(sums, data, weights, inner, true, false);
    else if (odd)
        block_sums(sums, data, weights, inner, false, true);
    else
        block_sums(sums, data, weights, inner, false, false);
}

/* Computes the results of a piece. A result smaller than a block is done sum by sum; else a block
   that would stick out reaches back. */
static void block_at(const struct heed_linear_general *job, struct piece piece)
{
    bool by_row = job->mode == HEED_PARAM_MODE_ROW;
    bool whole = job->rows >= BLOCK && job->columns >= BLOCK;
    uint32_t up = whole ? BLOCK - piece.rows : 0, left = whole ? BLOCK - piece.columns : 0;
    struct rows x = {ROW((const word *)job->x, piece.row - up, job->x_stride), job->x_stride};
    struct rows w = {ROW((const word *)job->w, piece.column - left, job->w_stride), job->w_stride};
    struct rows data = by_row ? w : x, weights = by_row ? x : w;
    int32_t sums[BLOCK][BLOCK] = {{0}}, found[BLOCK][BLOCK] = {{0}};

    if (whole)
        whole_block(sums, data, weights, job->inner, job->data_unsigned);
    for (uint32_t i = 0; i < piece.rows; i++)
        for (uint32_t j = 0; j < piece.columns; j++) {
            uint32_t a = by_row ? left + j : up + i, b = by_row ? up + i : left + j;

            if (whole)
                found[i][j] = sums[a][b];
            else if (job->data_unsigned)
                found[i][j] = row_sum(0, row_at(data, a), row_at(weights, b), job->inner, true);
            else
                found[i][j] = row_sum(0, row_at(data, a), row_at(weights, b), job->inner, false);
        }
    finish_block(job, piece, found);
}

void heed_linear_general(const struct heed_linear_general *given, struct heed_team team)
{
    struct heed_linear_general job = *given;
    uint32_t down = (job.rows + BLOCK - 1) / BLOCK, across = (job.columns + BLOCK - 1) / BLOCK;
    struct share share = share_of(job.heads * down * across, team);
    uint32_t of_head = job.mode == HEED_PARAM_MODE_COLUMN ? job.columns
                       : job.mode == HEED_PARAM_MODE_ROW  ? job.rows
                                                          : 1;

    for (uint32_t at = share.first; at < share.end; at++) {
        uint32_t head = at / (down * across), row = at % down * BLOCK;
        uint32_t column = at / down % across * BLOCK;
        struct heed_linear_general part = job;

        part.x = ROW(job.x, head, job.x_head_stride);
        part.w = ROW(job.w, head, job.w_head_stride);
        part.y = ROW(job.y, head, job.y_head_stride);
        if (job.r)
            part.r = ROW(job.r, head, job.r_head_stride);
        if (job.entries)
            part.entries = job.entries + head * of_head;
        block_at(&part, (struct piece){row, column,
                                       job.rows - row < BLOCK ? job.rows - row : BLOCK,
                                       job.columns - column < BLOCK ? job.columns - column
                                                                    : BLOCK});
    }
}
