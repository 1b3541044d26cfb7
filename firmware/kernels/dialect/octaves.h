/* ITA's softmax: powers of two of whole octaves. */
#ifndef HEED_DIALECT_OCTAVES_H
#define HEED_DIALECT_OCTAVES_H

#include "dialect/elements.h"

enum { ONE = 256 }; /* what a maximum adds to the denominator */

/* Octaves of a distance between logits: 32 steps each, rounded. */
static inline uint32_t octaves(int32_t distance)
{
    return (uint32_t)(distance + 16) >> 5;
}

ALWAYS_INLINE uint32_t sum_of(const void *x, uint32_t first, uint32_t end, int32_t maximum,
                              uint32_t type)
{
    uint32_t sum = 0;

    for (uint32_t c = first; c < end; c++)
        sum += ONE >> octaves(maximum - load(x, c, type));
    return sum;
}

#endif
