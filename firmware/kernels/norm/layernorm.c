/* LayerNorm in integers, with entries of both forms. */

#include "norm/four_columns.h"
#include "norm/norm.h"

enum {
    BLOCK = 24 /* rows done together: a channel's entry is unpacked once for all */
};

/* A job with entries of either form. */
struct rows {
    const int16_t *x;
    uint32_t x_stride;
    int8_t *y;
    uint32_t y_stride;
    const struct heed_parameter *general; /* or, when 0, */
    const struct heed_core_entry *core;
    uint32_t rows, columns;
    uint32_t most; /* bound of |xhat| */
};

/* Unpacks a general entry. heed.rq with a multiplier of 1 shifts and adds the half, which `add`
   holds as well. Returns 0 if xhat * mul + add fits 32 bits. */
static inline uint32_t unpack_general(const struct heed_parameter *entry, uint32_t most,
                                      struct column *column)
{
    uint32_t low = (uint32_t)entry->word0, high = (uint32_t)(entry->word0 >> 32);
    uint32_t shift = high >> (HEED_PARAMETER_SHIFT_SHIFT - 32); /* and, above it, rsh */
    int32_t mul = sign_extend((uint32_t)entry->word1, 17);
    uint32_t add = low - ((1u << (shift & HEED_PARAMETER_SHIFT_MASK)) >> 1);
    uint32_t offset = magnitude((int32_t)add), sum = magnitude(mul) * most + offset;
    uint32_t wide = (uint32_t)(sign_extend(high, 16) ^ ((int32_t)low >> 31));

    column->mul = mul;
    column->add = (int32_t)add;
    column->rq = (shift & HEED_PARAMETER_SHIFT_MASK) << 16 | XHEED_RQ(1, 0, 0);
    /* The product is 2^31 at most. Bit 31 is set by sums beyond 32 bits, by the one offset that
       could make them wrap, and when subtracting the half has left 32 bits. */
    return wide | (sum | offset | (low & ~add)) >> 31;
}

/* Unpacks an entry in core form. Returns 0 if xhat and the bias, and twice them, fit 32 bits. */
static inline uint32_t unpack_core(const struct heed_core_entry *entry, enum form form,
                                   struct column *column)
{
    int32_t bias = entry->bias;

    column->mul = 0;
    column->add = form == CORE ? (int32_t)((uint32_t)bias << 1) : bias;
    column->rq = entry->rq;
    return (uint32_t)(bias >> 29 ^ bias >> 31);
}

/* One column of the rows by the definition. */
static __attribute__((noinline)) void one_column(const struct rows *job, const int16_t *x,
                                                 int8_t *y, const struct scale *scales,
                                                 uint32_t rows, uint32_t column)
{
    struct entry entry = {0};
    struct heed_core_entry core = {0};

    if (job->general)
        entry = unpack(&job->general[column]);
    else
        core = job->core[column];
    for (x += column, y += column; rows--; scales++) {
        int32_t xhat = standardise(*x, *scales);

        if (job->general)
            *y = clip8(shift_right(product(xhat, entry.mul) + entry.add, entry.shift));
        else
            *y = (int8_t)xheed_rq(0, (int32_t)((uint32_t)xhat + (uint32_t)core.bias), core.rq, 0,
                                  0);
        x = ROW(x, 1, job->x_stride);
        y = ROW(y, 1, job->y_stride);
    }
}

/* Scales of some rows; returns whether all of them pack. */
static __attribute__((noinline)) bool measure_rows(const struct rows *job, const int16_t *x,
                                                   uint32_t rows, struct scale *scales)
{
    uint32_t columns = job->columns, x_stride = job->x_stride;
    bool packed = true;

    for (; rows--; scales++) {
        *scales = measure(x, columns);
        packed &= packs(*scales);
        x = ROW(x, 1, x_stride);
    }
    return packed;
}

/* Rows `first` to `first` + `rows` - 1, at most BLOCK. */
static inline __attribute__((always_inline)) void block_rows(const struct rows *job, uint32_t first,
                                                             uint32_t rows, enum form form)
{
    struct scale scales[BLOCK + 1];
    const int16_t *x = ROW(job->x, first, job->x_stride);
    int8_t *y = ROW(job->y, first, job->y_stride);
    bool packed = measure_rows(job, x, rows, scales);
    uint32_t columns = job->columns, c = 0;

    for (; c + 4 <= columns; c += 4) {
        struct column four[4];
        uint32_t wide = !packed;

        for (uint32_t i = 0; i < 4; i++)
            wide |= form == GENERAL || form == GENERAL_CLIPPED
                        ? unpack_general(&job->general[c + i], job->most, &four[i])
                        : unpack_core(&job->core[c + i], form, &four[i]);
        if (wide) {
            for (uint32_t i = 0; i < 4; i++)
                one_column(job, x, y, scales, rows, c + i);
            continue;
        }
        struct block block = {(const pair *)(x + c), job->x_stride, (pair *)(y + c), job->y_stride};
        four_columns(block, scales, rows, four, form);
    }
    for (; c < columns; c++)
        one_column(job, x, y, scales, rows, c);
}

static inline __attribute__((always_inline)) void all_rows(const struct rows *job,
                                                           struct heed_team team, enum form form)
{
    struct share share = share_of(job->rows, team);

    for (uint32_t row = share.first; row < share.end; row += BLOCK) {
        uint32_t rows = share.end - row;

        block_rows(job, row, rows < BLOCK ? rows : BLOCK, form);
    }
}

void heed_layernorm(const struct heed_layernorm *job, struct heed_team team)
{
    const struct rows rows = {job->x,       job->x_stride, job->y,    job->y_stride,
                              job->entries, 0,             job->rows, job->columns,
                              most_standardised(job->columns)};

    if (job->columns <= MOST_UNCLIPPED)
        all_rows(&rows, team, GENERAL);
    else
        all_rows(&rows, team, GENERAL_CLIPPED);
}

void heed_layernorm_core(const struct heed_layernorm_core *job, struct heed_team team)
{
    const struct rows rows = {job->x, job->x_stride, job->y,    job->y_stride,
                              0,      job->entries,  job->rows, job->columns,
                              0};

    if (job->columns <= MOST_UNCLIPPED)
        all_rows(&rows, team, CORE);
    else
        all_rows(&rows, team, CORE_CLIPPED);
}
