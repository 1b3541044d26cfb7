/* NoNorm, or a scale a channel: elements requantised, with or without a residual. */

#include "elementwise/scaled_sum.h"
#include "norm/norm.h"

void heed_nonorm(const struct heed_nonorm *job, struct heed_team team)
{
    const struct scaled_sum sum = {
        .a = {job->x, job->x_stride, job->x_bytes},
        .b = {job->r, job->r_stride, job->r ? job->r_bytes : 0},
        .y = job->y,
        .y_stride = job->y_stride,
        .target = TO_INT8,
        .entries = job->entries,
        .per_column = 1,
        .rows = job->rows,
        .columns = job->columns,
    };

    scaled_sum(&sum, team);
}
