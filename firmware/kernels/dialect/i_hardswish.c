/* iHardswish: a line that is clipped, times the input. */

#include "dialect/dialect.h"
#include "dialect/elements.h"

ALWAYS_INLINE void activate(const struct heed_i_hardswish *job, struct heed_team team,
                            uint32_t x_type)
{
    int32_t three = job->three, six = job->six, one_over_six = job->one_over_six;

    for WALK (at, *job, team) {
        const void *x = ROW(job->x, at.row, job->x_stride);
        int32_t *y = ROW(job->y, at.row, job->y_stride);

        for (uint32_t c = at.first; c < at.end; c++) {
            int32_t value = load(x, c, x_type);
            y[c] = value * (limit(value + three, 0, six) * one_over_six);
        }
    }
}

void heed_i_hardswish(const struct heed_i_hardswish *given, struct heed_team team)
{
    struct heed_i_hardswish job = *given;

    WITH_TYPE(job.x_type, activate, &job, team);
}
