/* Linear layers. */
#ifndef HEED_LINEAR_H
#define HEED_LINEAR_H

#include "kernel.h"

/* y = x * w^T, requantised; an entry a column. Bases and strides are multiples of 4, sizes 1 or more.
   What follows a row of x or w up to the next multiple of 4 is read, but not used. */
struct heed_linear {
    const void *x; /* int8, or uint8 when x_unsigned is not 0 */
    uint32_t x_stride;
    const int8_t *w; /* a row a column of y */
    uint32_t w_stride;
    void *y; /* int8, or uint8 when y_unsigned is not 0 */
    uint32_t y_stride;
    const struct heed_core_entry *entries;
    uint32_t rows, columns, inner;
    uint32_t x_unsigned, y_unsigned;
};
void heed_linear(const struct heed_linear *job, struct heed_team team);

#endif
