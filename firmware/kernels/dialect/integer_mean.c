/* IntegerMean: exact sums, one rounded division each. */

#include "dialect/dialect.h"
#include "dialect/elements.h"

/* Halves go away from zero. */
static inline int32_t rounded(int64_t sum, uint32_t count)
{
    int64_t half = count / 2;

    return (int32_t)divide(sum < 0 ? sum - half : sum + half, count);
}

ALWAYS_INLINE void mean(const struct heed_integer_mean *job, struct heed_team team,
                        uint32_t x_type)
{
    struct {
        uint32_t rows, columns;
    } results = {job->blocks, job->columns};

    for WALK (at, results, team) {
        const void *block = ROW(job->x, at.row, job->x_block);
        void *y = ROW(job->y, at.row, job->y_stride);

        for (uint32_t c = at.first; c < at.end; c++) {
            const void *x = block;
            int64_t sum = 0;

            if (x_type == HEED_ELEMENT_TYPE_INT32) {
                for (uint32_t i = 0; i < job->count; i++, x = ROW(x, 1, job->x_stride))
                    sum += load(x, c, x_type);
            } else {
                int32_t narrow = 0; /* up to 2^23 bytes */

                for (uint32_t i = 0; i < job->count; i++, x = ROW(x, 1, job->x_stride))
                    narrow += load(x, c, x_type);
                sum = narrow;
            }
            store(y, c, job->y_type, rounded(sum, job->count));
        }
    }
}

void heed_integer_mean(const struct heed_integer_mean *given, struct heed_team team)
{
    struct heed_integer_mean job = *given;

    WITH_TYPE(job.x_type, mean, &job, team);
}
