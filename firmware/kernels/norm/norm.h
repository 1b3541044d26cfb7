/* Normalisations. */
#ifndef HEED_NORM_H
#define HEED_NORM_H

#include "kernel.h"

/* y = clip8((xhat * mul + add) >> shift), xhat the standardised row; an entry a column. */
struct heed_layernorm {
    const int16_t *x;
    uint32_t x_stride;
    int8_t *y;
    uint32_t y_stride;
    const struct heed_parameter *entries;
    uint32_t rows, columns; /* columns 1 to 4096 */
};
void heed_layernorm(const struct heed_layernorm *job, struct heed_team team);

#endif
