/* Operators of the QuantLib/Deeploy integer dialect, bit for bit sw_model/dialect.
 *
 * x_type and y_type are HEED_ELEMENT_TYPE_INT8, _UINT8 or _INT32; a stride is a multiple of its
 * element's size. Numbers must lie within the ranges that the reference accepts; quotients written
 * // are cut off, shifts are arithmetic. */
#ifndef HEED_DIALECT_H
#define HEED_DIALECT_H

#include "kernel.h"

/* y = clip((x * mul + add + half) >> shift, low, high). Row r, column c takes the multiplier that
   lies r * mul_row + c * mul_column bytes after the first one (0: the same for all), and so the
   addend. */
struct heed_requant_shift {
    const void *x;
    uint32_t x_stride, x_type;
    void *y;
    uint32_t y_stride, y_type;
    const int32_t *mul;
    uint32_t mul_row, mul_column;
    const int32_t *add;
    uint32_t add_row, add_column;
    uint32_t shift; /* 0 to 31 */
    int32_t low, high;
    uint32_t rows, columns;
};
void heed_requant_shift(const struct heed_requant_shift *job, struct heed_team team);

/* Softmax of rows: d = max - x, z = min(31, d // log2), e = (a * (z * log2 - d + b)^2 + c) >> z,
   y = e * (n_levels - 1) // sum of e. */
struct heed_i_softmax {
    const void *x;
    uint32_t x_stride, x_type;
    uint8_t *y;
    uint32_t y_stride;
    int32_t coeff_a, coeff_b, coeff_c;
    uint32_t log2, n_levels; /* n_levels 2 to 256 */
    uint32_t rows, columns;
};
void heed_i_softmax(const struct heed_i_softmax *job, struct heed_team team);

/* Softmax of rows: s = (max - x + 16) >> 5, y = (n_levels - 1) * 256 // sum of (256 >> s) >> s. */
struct heed_ita_max {
    const void *x;
    uint32_t x_stride, x_type; /* int8 or uint8 */
    uint8_t *y;
    uint32_t y_stride;
    uint32_t n_levels; /* 2 to 256 */
    uint32_t rows, columns;
};
void heed_ita_max(const struct heed_ita_max *job, struct heed_team team);

/* The same with a maximum that runs over groups of columns: the sum so far is shifted by
   (m + 16) >> 5 when a group raises the maximum by m. Results reach n_levels / 2 - 1. */
struct heed_ita_partial_max {
    const void *x;
    uint32_t x_stride, x_type; /* int8 or uint8 */
    int8_t *y;
    uint32_t y_stride;
    uint32_t n_levels, group; /* n_levels 2 to 256, even; columns of a group */
    uint32_t rows, columns;
};
void heed_ita_partial_max(const struct heed_ita_partial_max *job, struct heed_team team);

/* t = x - sum of the row // columns, std = root(sum of t^2 // columns + 1),
   y = (t * w // std + b) >> shift; w and b a value a column. Nothing clips. */
struct heed_i_layernorm {
    const void *x;
    uint32_t x_stride, x_type;
    void *y;
    uint32_t y_stride, y_type;
    const int32_t *w;
    const int32_t *b;
    uint32_t shift; /* 0 to 31 */
    uint32_t rows, columns;
};
void heed_i_layernorm(const struct heed_i_layernorm *job, struct heed_team team);

/* y = clip((x * w // root(sum of x^2 // columns + 1)) >> shift, low, high); w a value a column. */
struct heed_i_rmsnorm {
    const void *x;
    uint32_t x_stride, x_type;
    void *y;
    uint32_t y_stride, y_type;
    const int32_t *w;
    uint32_t shift; /* 0 to 31 */
    int32_t low, high;
    uint32_t rows, columns;
};
void heed_i_rmsnorm(const struct heed_i_rmsnorm *job, struct heed_team team);

/* y = clip(((x * w + b) * mul) >> shift, low, high); w and b a value a column. */
struct heed_i_nonorm {
    const void *x;
    uint32_t x_stride, x_type;
    void *y;
    uint32_t y_stride, y_type;
    const int32_t *w;
    const int32_t *b;
    int32_t mul;
    uint32_t shift; /* 0 to 31 */
    int32_t low, high;
    uint32_t rows, columns;
};
void heed_i_nonorm(const struct heed_i_nonorm *job, struct heed_team team);

/* y = x * ((one + sign(x) * (one - (min(|x|, -b) + b)^2)) >> 1), b negative. */
struct heed_i_gelu {
    const void *x;
    uint32_t x_stride, x_type;
    int32_t *y;
    uint32_t y_stride;
    int32_t b, one;
    uint32_t rows, columns;
};
void heed_i_gelu(const struct heed_i_gelu *job, struct heed_team team);

/* y = x * (clip(x + three, 0, six) * one_over_six). */
struct heed_i_hardswish {
    const void *x;
    uint32_t x_stride, x_type;
    int32_t *y;
    uint32_t y_stride;
    int32_t three, six, one_over_six;
    uint32_t rows, columns;
};
void heed_i_hardswish(const struct heed_i_hardswish *job, struct heed_team team);

/* y = delta * eta * x // (eta * by + eps). Row r, column c has the divisor that lies
   r * by_row + c * by_column bytes after the first one. Nothing clips. */
struct heed_integer_div {
    const void *x;
    uint32_t x_stride, x_type;
    const void *by;
    uint32_t by_row, by_column, by_type;
    void *y;
    uint32_t y_stride, y_type;
    int32_t delta, eps, eta;
    uint32_t rows, columns;
};
void heed_integer_div(const struct heed_integer_div *job, struct heed_team team);

/* Means, rounded to the nearest, halves away from zero. A block is `count` rows (1 to 2^23), each
   x_stride bytes after the one before, and becomes a row of their means; blocks lie x_block bytes
   apart. With one column, rows of elements that lie side by side become a mean each. */
struct heed_integer_mean {
    const void *x;
    uint32_t x_block, x_stride, x_type;
    void *y;
    uint32_t y_stride, y_type;
    uint32_t blocks, count, columns;
};
void heed_integer_mean(const struct heed_integer_mean *job, struct heed_team team);

#endif
