/* Multi-head attention: softmax(Q K^T) V.
 *
 * No probability is ever rounded: what stands for them are exponentials E of 8 bits and one factor a
 * row, the reciprocal of their sum, applied after the product with V. All harts share the rows of all
 * heads, counted through.
 *
 * Bases and strides of q, k, vt and e are multiples of 4, those of y anything; sizes are 1 or more, at
 * most 4096 keys. What follows a row up to the next multiple of 4 is read, but not used. */
#ifndef HEED_ATTENTION_H
#define HEED_ATTENTION_H

#include "kernel.h"

/* What turns a head's products into logits of 2^-j octave a step, j from 1 to 5, and its gain: the
   output is doubled when g is 1. */
struct heed_attention_entry {
    struct heed_core_entry logit;
    uint32_t j, g;
};

/* Which keys a query sees: key k when k < keys, and with `causal` only when k <= query + offset.
   Exponentials by distance from the largest logit: 256 of them for each j from 1 on, the one for a
   distance of 255 first. */

/* The exponentials of a row and its factor. What no query sees gives 0. */
struct heed_logits {
    const int8_t *q;
    uint32_t q_stride, q_head_stride;
    const int8_t *k;
    uint32_t k_stride, k_head_stride;
    uint8_t *e; /* a row has `columns` elements, and zeros up to a multiple of 4 */
    uint32_t e_stride, e_head_stride;
    struct heed_core_entry *factors; /* one a row of each head: what heed_values takes */
    const struct heed_attention_entry *entries;
    const uint8_t *exponentials;
    uint32_t rows, columns, inner, heads;
    uint32_t keys, causal;
    int32_t offset;
};
void heed_logits(const struct heed_logits *job, struct heed_team team);

/* Exponentials times V, normalised. Heads of y lie wherever y_head_stride says: side by side, they
   are concatenated. */
struct heed_values {
    const uint8_t *e;
    uint32_t e_stride, e_head_stride;
    const struct heed_core_entry *factors;
    const int8_t *vt; /* V transposed: a row a column of y */
    uint32_t vt_stride, vt_head_stride;
    int8_t *y;
    uint32_t y_stride, y_head_stride;
    uint32_t rows, columns, inner, heads; /* inner: keys, as many as e has columns */
};
void heed_values(const struct heed_values *job, struct heed_team team);

/* Bytes of scratch that a hart of heed_attention needs: four rows of exponentials. */
static inline uint32_t heed_attention_scratch(uint32_t columns)
{
    return 4 * ((columns + 3) & ~3u);
}

/* Both at once, a few rows at a time: the exponentials of a hart's rows need scratch only. */
struct heed_attention {
    const int8_t *q;
    uint32_t q_stride, q_head_stride;
    const int8_t *k;
    uint32_t k_stride, k_head_stride;
    const int8_t *vt;
    uint32_t vt_stride, vt_head_stride;
    int8_t *y;
    uint32_t y_stride, y_head_stride;
    const struct heed_attention_entry *entries;
    const uint8_t *exponentials;
    void *scratch; /* for each hart, at multiples of 4 */
    uint32_t scratch_stride;
    uint32_t rows, columns, inner, heads; /* columns: keys; inner: size of a head */
    uint32_t keys, causal;
    int32_t offset;
};
void heed_attention(const struct heed_attention *job, struct heed_team team);

#endif
