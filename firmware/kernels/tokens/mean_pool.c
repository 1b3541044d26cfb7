/* Mean over the rows of a matrix. */

#include "arithmetic.h"
#include "tokens/tokens.h"

void heed_mean_pool(const struct heed_mean_pool *given, struct heed_team team)
{
    struct heed_mean_pool job = *given;
    struct share share = share_of(job.columns, team);
    struct entry entry = unpack(job.entry);

    for (uint32_t c = share.first; c < share.end; c++) {
        int32_t sum = 0;

        for (uint32_t row = 0; row < job.rows; row++)
            sum += ROW(job.x, row, job.x_stride)[c];
        job.y[c] = clip8(shift_right(product(sum, entry.mul) + entry.add, entry.shift));
    }
}
