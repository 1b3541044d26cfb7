/* RequantShift: multiply, add, shift with rounding, clip. */

#include "dialect/dialect.h"
#include "dialect/elements.h"
#include "heed/xheed.h"

static inline int32_t requantise(int32_t x, int32_t mul, int64_t add, uint32_t shift)
{
    return shift_right(product(x, mul) + add, shift);
}

/* Parameters that heed.rq takes instead of a multiplier and an addend, or 0 when it cannot. */
static uint32_t short_form(const struct heed_requant_shift *job, int32_t mul, int32_t add)
{
    int32_t zero = add >> job->shift;
    bool whole = (uint32_t)zero << job->shift == (uint32_t)add && zero == (int8_t)zero;
    bool bytes = (job->low == INT8_MIN && job->high == INT8_MAX) ||
                 (job->low == 0 && job->high == UINT8_MAX);

    return whole && bytes && mul == (uint16_t)mul ? XHEED_RQ(mul, job->shift, zero & 0xff) : 0;
}

ALWAYS_INLINE void requantise_short(const struct heed_requant_shift *job, struct walk at,
                                    uint32_t parameters, bool to_unsigned, uint32_t x_type)
{
    const void *x = ROW(job->x, at.row, job->x_stride);
    uint8_t *y = ROW(job->y, at.row, job->y_stride);
    uint32_t c = at.first;

    /* Four at a time: none waits for its load, nor a store for its result. */
    for (; at.end - c >= 4; c += 4) {
        int32_t x0 = load(x, c, x_type), x1 = load(x, c + 1, x_type);
        int32_t x2 = load(x, c + 2, x_type), x3 = load(x, c + 3, x_type);
        uint32_t y0 = xheed_rq(0, x0, parameters, 0, to_unsigned);
        uint32_t y1 = xheed_rq(0, x1, parameters, 0, to_unsigned);
        uint32_t y2 = xheed_rq(0, x2, parameters, 0, to_unsigned);
        uint32_t y3 = xheed_rq(0, x3, parameters, 0, to_unsigned);

        y[c] = (uint8_t)y0;
        y[c + 1] = (uint8_t)y1;
        y[c + 2] = (uint8_t)y2;
        y[c + 3] = (uint8_t)y3;
    }
    for (; c < at.end; c++)
        y[c] = (uint8_t)xheed_rq(0, load(x, c, x_type), parameters, 0, to_unsigned);
}

/* Columns of a row. `fixed`: all of them have the same multiplier and addend. */
ALWAYS_INLINE void requantise_row(const struct heed_requant_shift *job, struct walk at,
                                  const int32_t *mul, const int32_t *add, bool fixed,
                                  uint32_t y_type, uint32_t x_type)
{
    const void *x = ROW(job->x, at.row, job->x_stride);
    void *y = ROW(job->y, at.row, job->y_stride);
    uint32_t shift = job->shift;
    int32_t low = job->low, high = job->high;
    int32_t half = (int32_t)((1u << shift) >> 1);

    if (fixed) {
        int32_t factor = opaque(*mul);
        int64_t sum = (int64_t)*add + half;

        for (uint32_t c = at.first; c < at.end; c++) {
            int32_t value = requantise(opaque(load(x, c, x_type)), factor, sum, shift);
            store(y, c, y_type, limit(value, low, high));
        }
        return;
    }
    mul = ROW(mul, at.first, job->mul_column);
    add = ROW(add, at.first, job->add_column);
    for (uint32_t c = at.first; c < at.end; c++) {
        int64_t sum = (int64_t)*add + half;
        int32_t value = requantise(opaque(load(x, c, x_type)), *mul, sum, shift);

        store(y, c, y_type, limit(value, low, high));
        mul = ROW(mul, 1, job->mul_column);
        add = ROW(add, 1, job->add_column);
    }
}

ALWAYS_INLINE void requantise_all(const struct heed_requant_shift *job, struct heed_team team,
                                  uint32_t x_type)
{
    bool fixed = !job->mul_column && !job->add_column;
    bool wide = job->y_type == HEED_ELEMENT_TYPE_INT32;

    for WALK (at, *job, team) {
        const int32_t *mul = ROW(job->mul, at.row, job->mul_row);
        const int32_t *add = ROW(job->add, at.row, job->add_row);
        uint32_t parameters = fixed && !wide ? short_form(job, *mul, *add) : 0;

        if (parameters && job->low)
            requantise_short(job, at, parameters, false, x_type);
        else if (parameters)
            requantise_short(job, at, parameters, true, x_type);
        else if (fixed && !wide)
            requantise_row(job, at, mul, add, true, HEED_ELEMENT_TYPE_INT8, x_type);
        else if (fixed)
            requantise_row(job, at, mul, add, true, HEED_ELEMENT_TYPE_INT32, x_type);
        else if (!wide)
            requantise_row(job, at, mul, add, false, HEED_ELEMENT_TYPE_INT8, x_type);
        else
            requantise_row(job, at, mul, add, false, HEED_ELEMENT_TYPE_INT32, x_type);
    }
}

void heed_requant_shift(const struct heed_requant_shift *given, struct heed_team team)
{
    struct heed_requant_shift job = *given;

    WITH_TYPE(job.x_type, requantise_all, &job, team);
}
