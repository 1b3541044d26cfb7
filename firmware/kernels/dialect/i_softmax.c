/* iSoftmax: a polynomial and a shift for the exponential, one exact division an element. */

#include "dialect/dialect.h"
#include "dialect/elements.h"

enum { MOST_OCTAVES = 31 };

/* Of an element `distance` below the maximum. All is exact modulo 2^32, and so is the polynomial,
   which fits. */
static inline uint32_t exponential(const struct heed_i_softmax *job, uint32_t distance)
{
    uint32_t z = distance / job->log2;
    if (z > MOST_OCTAVES)
        z = MOST_OCTAVES;
    uint32_t base = z * job->log2 - distance + (uint32_t)job->coeff_b;

    return ((uint32_t)job->coeff_a * base * base + (uint32_t)job->coeff_c) >> z;
}

ALWAYS_INLINE void softmax(const struct heed_i_softmax *job, struct portion part, uint32_t x_type)
{
    uint32_t one = job->n_levels - 1;

    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const void *x = ROW(job->x, row, job->x_stride);
        uint8_t *y = ROW(job->y, row, job->y_stride);
        int32_t maximum = maximum_of(x, 0, job->columns, x_type);
        uint32_t sum = 0, largest = 0;

        for (uint32_t c = 0; c < job->columns; c++) {
            uint32_t e = exponential(job, (uint32_t)maximum - (uint32_t)load(x, c, x_type));
            sum += e;
            largest = e > largest ? e : largest;
        }

        bool narrow = largest <= UINT32_MAX / one;
        for (uint32_t c = part.columns.first; c < part.columns.end; c++) {
            uint32_t e = exponential(job, (uint32_t)maximum - (uint32_t)load(x, c, x_type));
            y[c] = (uint8_t)(narrow ? e * one / sum : (uint64_t)e * one / sum);
        }
    }
}

void heed_i_softmax(const struct heed_i_softmax *given, struct heed_team team)
{
    struct heed_i_softmax job = *given;
    struct portion part = portion_of(job.rows, job.columns, team);

    WITH_TYPE(job.x_type, softmax, &job, part);
}
