/* LayerNorm in integers: exact statistics, one square root and one division a row. */

#include "arithmetic.h"
#include "norm/norm.h"

enum {
    PRECISION = 16, /* bits of the deviation and of its reciprocal */
    FRACTION = 10,  /* fraction bits of the standardised value */
    BLOCK = 8,      /* rows done together: a channel's entry is unpacked once for all */
};

/* floor(sqrt(value)), one result bit a step. */
static uint32_t square_root(uint32_t value)
{
    uint32_t root = 0;

    for (uint32_t bit = 1u << 30; bit; bit >>= 2) {
        uint32_t trial = root + bit;
        root >>= 1;
        if (value >= trial) {
            value -= trial;
            root += bit;
        }
    }
    return root;
}

/* What standardises a row: xhat = ((columns * x - sum) * reciprocal + half) >> shift. */
struct scale {
    int32_t sum, reciprocal;
    uint32_t shift; /* 6 to 32 */
};

static struct scale measure(const int16_t *x, uint32_t columns)
{
    int32_t sum = 0;
    uint64_t squares = 0;

    for (uint32_t c = 0; c < columns; c++) {
        sum += x[c];
        squares += (uint32_t)(x[c] * x[c]);
    }
    /* columns^2 times the variance. */
    uint64_t variance = columns * squares - (uint64_t)product(sum, sum);
    if (variance == 0)
        variance = 1;

    /* An even power of two brings it to 31 or 32 bits, so that the root has 16. */
    unsigned e = (bit_length(variance) + 1) / 2;
    uint32_t scaled = e < PRECISION ? (uint32_t)variance << 2 * (PRECISION - e)
                                    : (uint32_t)(variance >> 2 * (e - PRECISION));
    uint32_t reciprocal = (1u << (2 * PRECISION - 1)) / square_root(scaled);
    if (reciprocal > (1u << PRECISION) - 1)
        reciprocal = (1u << PRECISION) - 1;
    return (struct scale){sum, (int32_t)reciprocal, PRECISION - 1 + e - FRACTION};
}

static inline int16_t standardise(int16_t x, uint32_t columns, struct scale scale)
{
    int32_t centred = (int32_t)columns * x - scale.sum;
    int64_t value = product(centred, scale.reciprocal);

    /* Rounding half up is adding 1 before the last place is shifted out. What is left is below
       2^18: it fits the low half. */
    return clip16((shift_right_low(value, scale.shift - 1) + 1) >> 1);
}

/* Rows `first` to `first` + `rows` - 1, at most BLOCK. */
static void normalise(struct heed_layernorm job, uint32_t first, uint32_t rows)
{
    struct scale scales[BLOCK];
    const int16_t *x = ROW(job.x, first, job.x_stride);
    int8_t *y = ROW(job.y, first, job.y_stride);

    for (uint32_t row = 0; row < rows; row++)
        scales[row] = measure(ROW(x, row, job.x_stride), job.columns);
    for (uint32_t c = 0; c < job.columns; c++, x++, y++) {
        struct entry entry = unpack(&job.entries[c]);
        const int16_t *from = x;
        int8_t *to = y;

        for (uint32_t row = 0; row < rows; row++) {
            int16_t xhat = standardise(*from, job.columns, scales[row]);

            *to = clip8(shift_right(product(xhat, entry.mul) + entry.add, entry.shift));
            from = ROW(from, 1, job.x_stride);
            to = ROW(to, 1, job.y_stride);
        }
    }
}

void heed_layernorm(const struct heed_layernorm *job, struct heed_team team)
{
    struct share share = share_of(job->rows, team);

    for (uint32_t row = share.first; row < share.end; row += BLOCK) {
        uint32_t rows = share.end - row;
        normalise(*job, row, rows < BLOCK ? rows : BLOCK);
    }
}
