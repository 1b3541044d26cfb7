/* What makes sequences of tokens, and what makes one of them. */
#ifndef HEED_TOKENS_H
#define HEED_TOKENS_H

#include "kernel.h"

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
