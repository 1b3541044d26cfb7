/* TrueIntegerDiv: one exact division an element. */

#include "dialect/dialect.h"
#include "dialect/elements.h"

ALWAYS_INLINE void divide_all(const struct heed_integer_div *job, struct heed_team team,
                              uint32_t x_type)
{
    uint32_t by_column = job->by_column, by_type = job->by_type, y_type = job->y_type;
    int32_t eta = opaque(job->eta), eps = job->eps;
    int64_t factor = product(job->delta, eta);
    int32_t narrow_factor = opaque((int32_t)factor);
    bool narrow = factor == narrow_factor;

    for WALK (at, *job, team) {
        const void *x = ROW(job->x, at.row, job->x_stride);
        const void *by = ROW(ROW(job->by, at.row, job->by_row), at.first, by_column);
        void *y = ROW(job->y, at.row, job->y_stride);
        int64_t divisor = 0;

        for (uint32_t c = at.first; c < at.end; c++) {
            int32_t value = opaque(load(x, c, x_type));
            int64_t dividend = narrow ? product(value, narrow_factor) : value * factor;

            if (by_column || c == at.first)
                divisor = product(opaque(load(by, 0, by_type)), eta) + eps;
            store(y, c, y_type, (int32_t)divide(dividend, divisor));
            by = ROW(by, 1, by_column);
        }
    }
}

void heed_integer_div(const struct heed_integer_div *given, struct heed_team team)
{
    struct heed_integer_div job = *given;

    WITH_TYPE(job.x_type, divide_all, &job, team);
}
