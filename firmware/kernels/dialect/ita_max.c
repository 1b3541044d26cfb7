/* ITAMax: one division a row, shifts for the rest. */

#include "dialect/dialect.h"
#include "dialect/octaves.h"

ALWAYS_INLINE void softmax(const struct heed_ita_max *job, struct portion part, uint32_t x_type)
{
    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const void *x = ROW(job->x, row, job->x_stride);
        uint8_t *y = ROW(job->y, row, job->y_stride);
        int32_t maximum = maximum_of(x, 0, job->columns, x_type);
        uint32_t sum = sum_of(x, 0, job->columns, maximum, x_type);
        uint32_t inverse = (job->n_levels - 1) * ONE / sum;

        for (uint32_t c = part.columns.first; c < part.columns.end; c++)
            y[c] = (uint8_t)(inverse >> octaves(maximum - load(x, c, x_type)));
    }
}

void heed_ita_max(const struct heed_ita_max *given, struct heed_team team)
{
    struct heed_ita_max job = *given;
    struct portion part = portion_of(job.rows, job.columns, team);

    if (job.x_type == HEED_ELEMENT_TYPE_INT8)
        softmax(&job, part, HEED_ELEMENT_TYPE_INT8);
    else
        softmax(&job, part, HEED_ELEMENT_TYPE_UINT8);
}
