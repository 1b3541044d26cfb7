/* Residual addition of two scaled matrices with one rounding. */

#include "arithmetic.h"
#include "elementwise/elementwise.h"

#include <stdbool.h>

/* Rows of a share. (b * rmul) << rsh is b * factor modulo 2^64; a `narrow` factor fits 32 bits,
   which saves multiplications. */
static inline void add_rows(struct heed_add job, struct share share, bool narrow)
{
    struct entry entry = unpack(job.entry);
    uint64_t factor = (uint64_t)(int64_t)entry.rmul << entry.rsh;
    int32_t narrow_factor = opaque((int32_t)factor);

    for (uint32_t row = share.first; row < share.end; row++) {
        const int16_t *a = ROW(job.a, row, job.a_stride);
        const int8_t *b = ROW((const int8_t *)job.b, row, job.b_stride);
        int16_t *y = ROW(job.y, row, job.y_stride);

        for (uint32_t c = 0; c < job.columns; c++, b += job.b_bytes) {
            int32_t value = job.b_bytes == 1 ? *b : *(const int16_t *)b;
            int64_t residual = narrow ? product(value, narrow_factor)
                                      : (int64_t)((uint64_t)(int64_t)value * factor);
            int64_t total = product(*a++, entry.mul) + residual + entry.add;

            *y++ = clip16(shift_right(total, entry.shift));
        }
    }
}

void heed_add(const struct heed_add *job, struct heed_team team)
{
    struct entry entry = unpack(job->entry);
    int64_t factor = (int64_t)((uint64_t)(int64_t)entry.rmul << entry.rsh);

    if (factor == (int32_t)factor)
        add_rows(*job, share_of(job->rows, team), true);
    else
        add_rows(*job, share_of(job->rows, team), false);
}
