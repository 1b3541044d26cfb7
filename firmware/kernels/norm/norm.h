/* Normalisations. */
#ifndef HEED_NORM_H
#define HEED_NORM_H

#include "kernel.h"

/* y = clip8((xhat * mul + add) >> shift), xhat the standardised row; an entry a column. Rows of x
   begin at multiples of 4, those of y too. Work is split by rows. */
struct heed_layernorm {
    const int16_t *x;
    uint32_t x_stride;
    int8_t *y;
    uint32_t y_stride;
    const struct heed_parameter *entries;
    uint32_t rows, columns; /* columns 1 to 4096 */
};
void heed_layernorm(const struct heed_layernorm *job, struct heed_team team);

/* The same with y = clip8((((xhat + bias) * mul + half) >> shift) + zero point), in core form. */
struct heed_layernorm_core {
    const int16_t *x;
    uint32_t x_stride;
    int8_t *y;
    uint32_t y_stride;
    const struct heed_core_entry *entries;
    uint32_t rows, columns; /* columns 1 to 4096 */
};
void heed_layernorm_core(const struct heed_layernorm_core *job, struct heed_team team);

/* y = clip8((x * mul + ((r * rmul) << rsh) + add) >> shift), an entry a column; without r, its
   term is left out. Rows begin at multiples of 4, and int8 operands may be y itself. */
struct heed_nonorm {
    const void *x; /* int8, or int16 when x_bytes is 2 */
    uint32_t x_stride, x_bytes;
    const void *r; /* int8, or int16 when r_bytes is 2; 0 for none */
    uint32_t r_stride, r_bytes;
    int8_t *y;
    uint32_t y_stride;
    const struct heed_parameter *entries;
    uint32_t rows, columns;
};
void heed_nonorm(const struct heed_nonorm *job, struct heed_team team);

#endif
