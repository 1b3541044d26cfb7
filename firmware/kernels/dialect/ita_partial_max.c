/* ITAPartialMax: the maximum runs, and the denominator with it. */

#include "dialect/dialect.h"
#include "dialect/octaves.h"

ALWAYS_INLINE void softmax(const struct heed_ita_partial_max *job, struct portion part,
                           uint32_t x_type)
{
    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const void *x = ROW(job->x, row, job->x_stride);
        int8_t *y = ROW(job->y, row, job->y_stride);
        int32_t maximum = load(x, 0, x_type);
        uint32_t sum = 0;

        for (uint32_t first = 0; first < job->columns;) {
            uint32_t left = job->columns - first;
            uint32_t end = first + (left < job->group ? left : job->group);
            int32_t group = maximum_of(x, first, end, x_type);

            if (group > maximum) {
                sum >>= octaves(group - maximum);
                maximum = group;
            }
            sum += sum_of(x, first, end, maximum, x_type);
            first = end;
        }
        uint32_t inverse = (job->n_levels / 2 - 1) * ONE / sum;
        for (uint32_t c = part.columns.first; c < part.columns.end; c++)
            y[c] = (int8_t)(inverse >> octaves(maximum - load(x, c, x_type)));
    }
}

void heed_ita_partial_max(const struct heed_ita_partial_max *given, struct heed_team team)
{
    struct heed_ita_partial_max job = *given;
    struct portion part = portion_of(job.rows, job.columns, team);

    if (job.x_type == HEED_ELEMENT_TYPE_INT8)
        softmax(&job, part, HEED_ELEMENT_TYPE_INT8);
    else
        softmax(&job, part, HEED_ELEMENT_TYPE_UINT8);
}
