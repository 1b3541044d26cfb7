/* Linear layer with requantisation in general form, in blocks of 4 x 4. */

#include "arithmetic.h"
#include "block.h"
#include "matrix/linear.h"

/* A part of a block: where it begins in the result, and how much of it is new. */
struct piece {
    uint32_t row, column, rows, columns;
};

/* What kind of results there are, known when it is compiled. */
struct kind {
    uint32_t y_type;
    bool joined; /* a residual takes part */
};

/* One result. */
static inline __attribute__((always_inline)) void finish(const struct heed_linear_general *job,
                                                         struct kind kind, struct entry entry,
                                                         void *y, const void *r, int32_t sum)
{
    int64_t total = product(sum, entry.mul) + entry.add;

    if (kind.joined) {
        int32_t value = job->r_bytes == 1 ? *(const int8_t *)r : *(const int16_t *)r;
        total += (int64_t)((uint64_t)product(value, entry.rmul) << entry.rsh);
    }
    int32_t value = shift_right(total, entry.shift);

    if (kind.y_type == HEED_ELEMENT_TYPE_INT16)
        *(int16_t *)y = clip16(value);
    else if (job->table)
        *(int8_t *)y = job->table[clip8(value) + 128];
    else if (kind.y_type == HEED_ELEMENT_TYPE_UINT8)
        *(uint8_t *)y = (uint8_t)clip(value, 0, UINT8_MAX);
    else
        *(int8_t *)y = clip8(value);
}

/* Sums of a piece: the first one, and the steps to the next row and column. */
struct sums {
    const int32_t *at;
    uint32_t row, column;
};

/* The new results of a block, from its sums, column by column. */
static inline __attribute__((always_inline)) void finish_kind(const struct heed_linear_general *job,
                                                              struct kind kind, struct piece piece,
                                                              struct sums sums)
{
    uint32_t bytes = kind.y_type == HEED_ELEMENT_TYPE_INT16 ? 2 : 1;
    uint32_t y_stride = job->y_stride, r_stride = job->r_stride;
    uint8_t *first = (uint8_t *)ROW(job->y, piece.row, y_stride) + piece.column * bytes;
    const uint8_t *from = 0;

    if (kind.joined)
        from = (const uint8_t *)ROW(job->r, piece.row, r_stride) + piece.column * job->r_bytes;
    for (uint32_t j = 0; j < piece.columns; j++) {
        struct entry entry;
        uint8_t *y = first + j * bytes;
        const uint8_t *r = kind.joined ? from + j * job->r_bytes : 0;
        const int32_t *sum = sums.at + j * sums.column;

        if (job->mode != HEED_PARAM_MODE_ROW)
            entry = unpack(job->entries +
                           (job->mode == HEED_PARAM_MODE_COLUMN ? piece.column + j : 0));
        for (uint32_t i = 0; i < piece.rows; i++) {
            if (job->mode == HEED_PARAM_MODE_ROW)
                entry = unpack(job->entries + piece.row + i);
            finish(job, kind, entry, y, r, *sum);
            sum += sums.row;
            y += y_stride;
            r += r_stride;
        }
    }
}

static __attribute__((noinline)) void finish_block(const struct heed_linear_general *job,
                                                   struct piece piece, struct sums sums)
{
    if (!job->entries) {
        for (uint32_t i = 0; i < piece.rows; i++)
            for (uint32_t j = 0; j < piece.columns; j++)
                ((int32_t *)ROW(job->y, piece.row + i, job->y_stride))[piece.column + j] =
                    sums.at[i * sums.row + j * sums.column];
        return;
    }
#define FINISH(type)                                                                               \
    case type:                                                                                     \
        if (job->r)                                                                                \
            finish_kind(job, (struct kind){type, true}, piece, sums);                              \
        else                                                                                       \
            finish_kind(job, (struct kind){type, false}, piece, sums);                             \
        break;
    switch (job->y_type) {
        FINISH(HEED_ELEMENT_TYPE_INT8)
        FINISH(HEED_ELEMENT_TYPE_UINT8)
        FINISH(HEED_ELEMENT_TYPE_INT16)
    }
}

/* Sums of a whole block: rows of data times rows of weights, whichever of x and w they are. A
   function for each kind, so that sums never leave their registers. */
#define WHOLE_BLOCK(name, is_unsigned, odd)                                                        \
    static __attribute__((noinline)) void name(int32_t sums[BLOCK][BLOCK], struct rows data,       \
                                               struct rows weights, uint32_t inner)                \
    {                                                                                              \
        int32_t found[BLOCK][BLOCK];                                                               \
                                                                                                   \
        for (unsigned i = 0; i < BLOCK; i++)                                                       \
            for (unsigned j = 0; j < BLOCK; j++)                                                   \
                found[i][j] = 0;                                                                   \
        block_sums(found, data, weights, inner, is_unsigned, odd);                                 \
        for (unsigned i = 0; i < BLOCK; i++)                                                       \
            for (unsigned j = 0; j < BLOCK; j++)                                                   \
                sums[i][j] = found[i][j];                                                          \
    }
WHOLE_BLOCK(whole_even, false, false)
WHOLE_BLOCK(whole_odd, false, true)
WHOLE_BLOCK(whole_even_u, true, false)
WHOLE_BLOCK(whole_odd_u, true, true)

static void whole_block(int32_t sums[BLOCK][BLOCK], struct rows data, struct rows weights,
                        uint32_t inner, bool is_unsigned)
{
    if (is_unsigned && inner % 4)
        whole_odd_u(sums, data, weights, inner);
    else if (is_unsigned)
        whole_even_u(sums, data, weights, inner);
    else if (inner % 4)
        whole_odd(sums, data, weights, inner);
    else
        whole_even(sums, data, weights, inner);
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
    int32_t sums[BLOCK][BLOCK];

    if (whole) {
        whole_block(sums, data, weights, job->inner, job->data_unsigned);
    } else {
        for (uint32_t a = 0; a < (by_row ? piece.columns : piece.rows); a++)
            for (uint32_t b = 0; b < (by_row ? piece.rows : piece.columns); b++)
                sums[a][b] =
                    job->data_unsigned
                        ? row_sum(0, row_at(data, a), row_at(weights, b), job->inner, true)
                        : row_sum(0, row_at(data, a), row_at(weights, b), job->inner, false);
    }
    finish_block(job, piece,
                 by_row ? (struct sums){&sums[left][up], 1, BLOCK}
                        : (struct sums){&sums[up][left], BLOCK, 1});
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
