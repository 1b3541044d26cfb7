/* iRMSNorm: root mean square of a row, one exact division an element. */

#include "dialect/dialect.h"
#include "dialect/elements.h"

ALWAYS_INLINE void normalise(const struct heed_i_rmsnorm *job, struct portion part, uint32_t x_type)
{
    const int32_t *w = job->w;
    uint32_t shift = job->shift, y_type = job->y_type;
    int32_t low = job->low, high = job->high;

    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const void *x = ROW(job->x, row, job->x_stride);
        void *y = ROW(job->y, row, job->y_stride);
        uint32_t std = deviation(sums_of(x, job->columns, x_type).squares, job->columns);

        for (uint32_t c = part.columns.first; c < part.columns.end; c++) {
            int64_t scaled = divide_by(product(opaque(load(x, c, x_type)), w[c]), std);
            store(y, c, y_type, limit(shift_right(scaled, shift), low, high));
        }
    }
}

void heed_i_rmsnorm(const struct heed_i_rmsnorm *given, struct heed_team team)
{
    struct heed_i_rmsnorm job = *given;
    struct portion part = portion_of(job.rows, job.columns, team);

    WITH_TYPE(job.x_type, normalise, &job, part);
}
