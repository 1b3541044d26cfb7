/* LayerNorm in integers: exact statistics, one square root and one division a row. */

#include "arithmetic.h"

enum {
    PRECISION = 16, /* bits of the deviation and of its reciprocal */
    FRACTION = 10,  /* fraction bits of the standardised value */
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

void heed_layernorm(const struct heed_layernorm *job, struct heed_team team)
{
    struct share share = share_of(job->rows, team);

    for (uint32_t row = share.first; row < share.end; row++) {
        const int16_t *x = ROW(job->x, row, job->x_stride);
        int8_t *y = ROW(job->y, row, job->y_stride);
        struct scale scale = measure(x, job->columns);
        int64_t half = (int64_t)1 << (scale.shift - 1);

        for (uint32_t c = 0; c < job->columns; c++) {
            struct entry entry = unpack(&job->entries[c]);
            int32_t centred = (int32_t)job->columns * x[c] - scale.sum;
            int32_t xhat = clip16((product(centred, scale.reciprocal) + half) >> scale.shift);

            y[c] = clip8((product(xhat, entry.mul) + entry.add) >> entry.shift);
        }
    }
}
