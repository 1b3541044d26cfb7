/* iLayerNorm: mean and deviation of a row, one exact division an element. */

#include "dialect/dialect.h"
#include "dialect/elements.h"

ALWAYS_INLINE void normalise(const struct heed_i_layernorm *job, struct portion part, uint32_t x_type)
{
    const int32_t *w = job->w, *b = job->b;
    uint32_t shift = job->shift, y_type = job->y_type;

    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const void *x = ROW(job->x, row, job->x_stride);
        void *y = ROW(job->y, row, job->y_stride);
        struct sums sums = sums_of(x, job->columns, x_type);
        int32_t mean = (int32_t)divide_by(sums.elements, job->columns);
        /* The sum of (x - mean)^2, modulo 2^64, which is enough. */
        uint64_t squares = sums.squares - 2 * (uint64_t)sums.elements * (uint64_t)mean +
                           (uint64_t)product(mean, mean) * job->columns;
        uint32_t std = deviation(squares, job->columns);

        for (uint32_t c = part.columns.first; c < part.columns.end; c++) {
            int64_t scaled = product(opaque(load(x, c, x_type) - mean), w[c]);
            int64_t value = divide_by(scaled, std) + b[c];
            store(y, c, y_type, shift_right_low(value, shift));
        }
    }
}

void heed_i_layernorm(const struct heed_i_layernorm *given, struct heed_team team)
{
    struct heed_i_layernorm job = *given;
    struct portion part = portion_of(job.rows, job.columns, team);

    WITH_TYPE(job.x_type, normalise, &job, part);
}
