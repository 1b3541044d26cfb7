/* Linear layers. */
#ifndef HEED_LINEAR_H
#define HEED_LINEAR_H

#include "kernel.h"

/* y = x * w^T, requantised in core form, for each head; an entry a column of each head, or with
 * row_entries one a row. Bases and strides of x and w are multiples of 4, y lies anywhere (words are
 * stored where it lies at multiples of 4), sizes are 1 or more. What follows a row of x or w up to the
 * next multiple of 4 is read, but not used.
 *
 * Heads of x, w and y lie head strides apart. So one job writes queries head after head (x_head_stride
 * 0, w_head_stride as many rows of weights as a head has), and values transposed: weights as x, tokens
 * as w, row_entries. */
struct heed_linear {
    const void *x;
    uint32_t x_stride, x_head_stride;
    const void *w; /* a row a column of y */
    uint32_t w_stride, w_head_stride;
    void *y;
    uint32_t y_stride, y_head_stride;
    const struct heed_core_entry *entries;
    const int8_t *table; /* looked up after the clip to int8: 256 results, that of -128 first; or 0 */
    uint32_t rows, columns, inner, heads;
    uint32_t row_entries;
    uint32_t data_unsigned; /* the operand without entries, x or with row_entries w, is uint8 */
    uint32_t y_unsigned;    /* clip to uint8, else to int8 */
};
void heed_linear(const struct heed_linear *job, struct heed_team team);

/* The same with entries in general form, clip((acc * mul + ((r * rmul) << rsh) + add) >> shift), and any
 * type of result; without entries the int32 sums themselves. Slower: entries in core form are for
 * heed_linear. */
struct heed_linear_general {
    const void *x;
    uint32_t x_stride, x_head_stride;
    const void *w;
    uint32_t w_stride, w_head_stride;
    void *y;
    uint32_t y_stride, y_head_stride;
    const void *r; /* residual, int8 or int16, of the shape of y; or 0 */
    uint32_t r_stride, r_head_stride, r_bytes;
    const struct heed_parameter *entries;
    const int8_t *table; /* of int8 and uint8 results */
    uint32_t rows, columns, inner, heads;
    uint32_t mode;          /* HEED_PARAM_MODE_COMMON, _COLUMN or _ROW, of each head */
    uint32_t data_unsigned; /* x, or with entries of rows w, is uint8 */
    uint32_t y_type;        /* HEED_ELEMENT_TYPE_INT8 and so on */
};
void heed_linear_general(const struct heed_linear_general *job, struct heed_team team);

#endif
