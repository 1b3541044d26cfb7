/* Operators on the cores, bit for bit sw_model/ops.
 *
 * A matrix is its first element, its rows' distance in bytes, and its numbers of rows and columns.
 * Every hart of a team calls a kernel with the same job; each does its share, any sizes. No kernel
 * waits for the others: put a barrier before whoever reads the result.
 *
 * Inside, jobs are copied first: they lie in slow memory, and a compiler must reload fields after
 * every store of a byte. */
#ifndef HEED_KERNELS_H
#define HEED_KERNELS_H

#include <stdint.h>

#include "generated/heed_regs.h"

/* One of `size` harts that share a job. */
struct heed_team {
    uint32_t index, size;
};

/* Requantisation by one instruction: clip((((acc + bias) * mul + half) >> shift) + zero point), the
   last three in the word that heed.rq takes (heed/xheed.h). */
struct heed_core_entry {
    int32_t bias;
    uint32_t rq;
};

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

/* An image of height x width becomes (height / patch) * (width / patch) rows of `columns`
   channels: weights times pixels of a patch, plus the position's row as a residual; an entry a
   channel. */
struct heed_patch_embed {
    const int8_t *image;
    uint32_t image_stride;
    const int8_t *weight;
    uint32_t weight_stride;
    const int16_t *position;
    uint32_t position_stride;
    int16_t *y;
    uint32_t y_stride;
    const struct heed_parameter *entries;
    uint32_t height, width, patch, columns;
};
void heed_patch_embed(const struct heed_patch_embed *job, struct heed_team team);

/* y[0] = clip8((sum of the rows * mul + add) >> shift), one entry. */
struct heed_mean_pool {
    const int8_t *x;
    uint32_t x_stride;
    int8_t *y;
    const struct heed_parameter *entry;
    uint32_t rows, columns;
};
void heed_mean_pool(const struct heed_mean_pool *job, struct heed_team team);

#endif
