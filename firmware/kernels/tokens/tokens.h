/* What makes sequences of tokens, and what makes one of them. */
#ifndef HEED_TOKENS_H
#define HEED_TOKENS_H

#include "kernel.h"

/* An image of height x width becomes (height / patch) * (width / patch) rows of `columns`
   channels: weights times pixels of a patch, plus the position's row as a residual; an entry a
   channel. Rows of weights begin at multiples of 4, and what follows one up to the next multiple of
   4 is read, but not used. */
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

/* y[0] = clip8((sum of the rows * mul + add) >> shift), one entry. Rows begin at multiples of 4,
   and what follows one up to the next multiple of 4 is read, but not used. */
struct heed_mean_pool {
    const int8_t *x;
    uint32_t x_stride;
    int8_t *y;
    const struct heed_parameter *entry;
    uint32_t rows, columns;
};
void heed_mean_pool(const struct heed_mean_pool *job, struct heed_team team);

/* Rows of a table, one an identifier: as they are, or with an entry
   y = clip((table[id] * mul + ((position * rmul) << rsh) + add) >> shift) to int16 or int8, where
   position is the row of the result's number. Identifiers that the table does not have, negative
   ones among them, take its last row. Rows begin at multiples of 4. */
struct heed_embedding {
    const void *ids; /* int32, or uint16 when id_bytes is 2 */
    uint32_t id_bytes;
    const void *table; /* int8, or int16 when table_bytes is 2 */
    uint32_t table_stride, table_bytes, table_rows;
    const void *position; /* int8, or int16 when position_bytes is 2; 0 for none */
    uint32_t position_stride, position_bytes;
    void *y; /* int16, or int8 when y_bytes is 1; as the table without an entry */
    uint32_t y_stride, y_bytes;
    const struct heed_parameter *entry; /* one for all; 0 for rows as they are */
    uint32_t rows, columns;
};
void heed_embedding(const struct heed_embedding *job, struct heed_team team);

#endif
