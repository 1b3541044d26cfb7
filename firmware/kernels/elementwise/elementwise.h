/* Operators on each element. Rows begin at multiples of 4, and results may take an operand's place
   when their elements have the same size. */
#ifndef HEED_ELEMENTWISE_H
#define HEED_ELEMENTWISE_H

#include "kernel.h"

/* y = clip((a * mul + ((b * rmul) << rsh) + add) >> shift) to int16 or int8. Rows of int16 may
   begin at other multiples of 2, too, but take longer. */
struct heed_add {
    const void *a; /* int16, or int8 when a_bytes is 1 */
    uint32_t a_stride, a_bytes;
    const void *b; /* int16, or int8 when b_bytes is 1 */
    uint32_t b_stride, b_bytes;
    void *y; /* int16, or int8 when y_bytes is 1 */
    uint32_t y_stride, y_bytes;
    const struct heed_parameter *entries;
    uint32_t per_column; /* 0: one entry for all */
    uint32_t rows, columns;
};
void heed_add(const struct heed_add *job, struct heed_team team);

/* y = clip((((x + bias) * mul + half) >> shift) + zero point) to int8 or uint8, by heed.rq. */
struct heed_requantise {
    const int32_t *x;
    uint32_t x_stride;
    void *y; /* int8, or uint8 when y_unsigned is not 0 */
    uint32_t y_stride, y_unsigned;
    const struct heed_core_entry *entries;
    uint32_t per_column; /* 0: one entry for all */
    uint32_t rows, columns;
};
void heed_requantise(const struct heed_requantise *job, struct heed_team team);

/* y = clip((x * mul + add) >> shift) to int8, uint8 or int16, exact in 64 bits. */
struct heed_requantise_general {
    const void *x; /* int8, int16 or int32 */
    uint32_t x_stride, x_bytes;
    void *y; /* int8, uint8 when y_unsigned is not 0, or int16 when y_bytes is 2 */
    uint32_t y_stride, y_bytes, y_unsigned;
    const struct heed_parameter *entries;
    uint32_t per_column; /* 0: one entry for all */
    uint32_t rows, columns;
};
void heed_requantise_general(const struct heed_requantise_general *job, struct heed_team team);

/* y = table[x + 128]. */
struct heed_activation {
    const int8_t *x;
    uint32_t x_stride;
    int8_t *y;
    uint32_t y_stride;
    const int8_t *table; /* 256 of them */
    uint32_t rows, columns;
};
void heed_activation(const struct heed_activation *job, struct heed_team team);

#endif
