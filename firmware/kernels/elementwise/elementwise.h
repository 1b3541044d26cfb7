/* Operators on each element. */
#ifndef HEED_ELEMENTWISE_H
#define HEED_ELEMENTWISE_H

#include "kernel.h"

/* y = clip16((a * mul + ((b * rmul) << rsh) + add) >> shift), one entry. */
struct heed_add {
    const int16_t *a;
    uint32_t a_stride;
    const void *b; /* int16, or int8 when b_bytes is 1 */
    uint32_t b_stride;
    uint32_t b_bytes;
    int16_t *y;
    uint32_t y_stride;
    const struct heed_parameter *entry;
    uint32_t rows, columns;
};
void heed_add(const struct heed_add *job, struct heed_team team);

#endif
