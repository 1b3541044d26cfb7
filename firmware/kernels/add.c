/* Residual addition of two scaled matrices with one rounding. */

#include "arithmetic.h"

void heed_add(const struct heed_add *job, struct heed_team team)
{
    struct share share = share_of(job->rows, team);
    struct entry entry = unpack(job->entry);
    /* (b * rmul) << rsh is b * (rmul << rsh) modulo 2^64. */
    uint64_t factor = (uint64_t)(int64_t)entry.rmul << entry.rsh;

    for (uint32_t row = share.first; row < share.end; row++) {
        const int16_t *a = ROW(job->a, row, job->a_stride);
        const int16_t *b16 = ROW((const int16_t *)job->b, row, job->b_stride);
        const int8_t *b8 = (const int8_t *)b16;
        int16_t *y = ROW(job->y, row, job->y_stride);

        for (uint32_t c = 0; c < job->columns; c++) {
            int32_t b = job->b_bytes == 1 ? b8[c] : b16[c];
            uint64_t total = (uint64_t)product(a[c], entry.mul) +
                             (uint64_t)(int64_t)b * factor + (uint64_t)entry.add;

            y[c] = clip16((int64_t)total >> entry.shift);
        }
    }
}
