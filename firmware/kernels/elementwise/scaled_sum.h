/* Sums of one or two matrices, each times a factor, with one rounding: what additions and
   requantisations of narrow elements have in common. */
#ifndef HEED_SCALED_SUM_H
#define HEED_SCALED_SUM_H

#include "arithmetic.h"

/* int8, int16, or none, after `bytes`. */
struct operand {
    const void *at;
    uint32_t stride, bytes;
};

enum target { TO_INT8, TO_UINT8, TO_INT16 };

/* y = clip((a * mul + ((b * rmul) << rsh) + add) >> shift). */
struct scaled_sum {
    struct operand a, b;
    void *y;
    uint32_t y_stride;
    enum target target;
    const struct heed_parameter *entries;
    uint32_t per_column, rows, columns;
};

/* Does one hart's share. */
void scaled_sum(const struct scaled_sum *job, struct heed_team team);

/* The same on some rows and columns; a column of the share is even, unless it is the end. */
void scaled_sum_part(const struct scaled_sum *job, struct part part);

#endif
