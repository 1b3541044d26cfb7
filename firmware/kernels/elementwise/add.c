/* Residual addition of two scaled matrices with one rounding. */

#include "elementwise/elementwise.h"
#include "elementwise/scaled_sum.h"

void heed_add(const struct heed_add *job, struct heed_team team)
{
    const struct scaled_sum sum = {
        .a = {job->a, job->a_stride, job->a_bytes},
        .b = {job->b, job->b_stride, job->b_bytes},
        .y = job->y,
        .y_stride = job->y_stride,
        .target = job->y_bytes == 1 ? TO_INT8 : TO_INT16,
        .entries = job->entries,
        .per_column = job->per_column,
        .rows = job->rows,
        .columns = job->columns,
    };

    scaled_sum(&sum, team);
}
