/* iNoNorm: a factor and an addend a column in place of a normalisation. */

#include "dialect/dialect.h"
#include "dialect/elements.h"

ALWAYS_INLINE void scale(const struct heed_i_nonorm *job, struct heed_team team, uint32_t x_type)
{
    const int32_t *w = job->w, *b = job->b;
    uint32_t shift = job->shift, y_type = job->y_type;
    int32_t mul = opaque(job->mul), low = job->low, high = job->high;

    for WALK (at, *job, team) {
        const void *x = ROW(job->x, at.row, job->x_stride);
        void *y = ROW(job->y, at.row, job->y_stride);

        for (uint32_t c = at.first; c < at.end; c++) {
            int32_t sum = load(x, c, x_type) * w[c] + b[c];
            store(y, c, y_type, limit(shift_right(product(sum, mul), shift), low, high));
        }
    }
}

void heed_i_nonorm(const struct heed_i_nonorm *given, struct heed_team team)
{
    struct heed_i_nonorm job = *given;

    WITH_TYPE(job.x_type, scale, &job, team);
}
