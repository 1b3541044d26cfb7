/* iGELU: a second-order polynomial for the error function. */

#include "dialect/dialect.h"
#include "dialect/elements.h"

static inline int32_t gelu(int32_t x, int32_t b, int32_t one)
{
    uint32_t most = -(uint32_t)b, size = x < 0 ? -(uint32_t)x : (uint32_t)x;
    uint32_t distance = (size < most ? size : most) + (uint32_t)b;
    int32_t error = (int32_t)((uint32_t)one - distance * distance);

    error = x < 0 ? -error : x > 0 ? error : 0;
    return x * ((one + error) >> 1);
}

ALWAYS_INLINE void activate(const struct heed_i_gelu *job, struct heed_team team, uint32_t x_type)
{
    int32_t b = job->b, one = job->one;

    for WALK (at, *job, team) {
        const void *x = ROW(job->x, at.row, job->x_stride);
        int32_t *y = ROW(job->y, at.row, job->y_stride);

        for (uint32_t c = at.first; c < at.end; c++)
            y[c] = gelu(load(x, c, x_type), b, one);
    }
}

void heed_i_gelu(const struct heed_i_gelu *given, struct heed_team team)
{
    struct heed_i_gelu job = *given;

    WITH_TYPE(job.x_type, activate, &job, team);
}
