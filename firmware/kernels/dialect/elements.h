/* What the dialect's kernels share: elements of several types, shares, divisions, roots. */
#ifndef HEED_DIALECT_ELEMENTS_H
#define HEED_DIALECT_ELEMENTS_H

#include "arithmetic.h"

#include <stdbool.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Calls a function with the type of elements as its last argument, a constant: a loop each. */
#define WITH_TYPE(type, function, ...)                                                             \
    do {                                                                                           \
        if ((type) == HEED_ELEMENT_TYPE_INT8)                                                      \
            function(__VA_ARGS__, HEED_ELEMENT_TYPE_INT8);                                         \
        else if ((type) == HEED_ELEMENT_TYPE_UINT8)                                                \
            function(__VA_ARGS__, HEED_ELEMENT_TYPE_UINT8);                                        \
        else                                                                                       \
            function(__VA_ARGS__, HEED_ELEMENT_TYPE_INT32);                                        \
    } while (0)

ALWAYS_INLINE int32_t load(const void *row, uint32_t column, uint32_t type)
{
    if (type == HEED_ELEMENT_TYPE_INT8)
        return ((const int8_t *)row)[column];
    if (type == HEED_ELEMENT_TYPE_UINT8)
        return ((const uint8_t *)row)[column];
    return ((const int32_t *)row)[column];
}

/* The value fits the type. */
ALWAYS_INLINE void store(void *row, uint32_t column, uint32_t type, int32_t value)
{
    if (type == HEED_ELEMENT_TYPE_INT32)
        ((int32_t *)row)[column] = value;
    else
        ((uint8_t *)row)[column] = (uint8_t)value;
}

/* ---- Shares ---- */

/* A hart's elements, a row's after the other: columns `first` to `end` - 1 of row `row`. */
struct walk {
    uint32_t row, first, end, left;
};

static inline struct walk walk_from(uint32_t row, uint32_t first, uint32_t left, uint32_t columns)
{
    return (struct walk){row, first, left < columns - first ? first + left : columns, left};
}

/* Where each element stands for itself: shares differ by one at most. */
static inline struct walk walk_start(uint32_t rows, uint32_t columns, struct heed_team team)
{
    struct share share = share_of(rows * columns, team);
    uint32_t row = share.first / columns;

    return walk_from(row, share.first - row * columns, share.end - share.first, columns);
}

static inline struct walk walk_on(struct walk at, uint32_t columns)
{
    return walk_from(at.row + 1, 0, at.left - (at.end - at.first), columns);
}

#define WALK(at, job, team)                                                                        \
    (struct walk at = walk_start((job).rows, (job).columns, team); at.left;                        \
     at = walk_on(at, (job).columns))

/* Where a row's result needs all of the row: whole rows, or a part of one, when there are more
   harts than rows. Each hart then reads the whole row and writes its part. */
struct portion {
    struct share rows, columns;
};

static inline struct portion portion_of(uint32_t rows, uint32_t columns, struct heed_team team)
{
    if (rows >= team.size)
        return (struct portion){share_of(rows, team), {0, columns}};

    struct share harts = {0, 0};
    uint32_t row = 0;
    while (harts.end <= team.index)
        harts = share_of(team.size, (struct heed_team){row++, rows});
    struct heed_team those = {team.index - harts.first, harts.end - harts.first};
    return (struct portion){{row - 1, row}, share_of(columns, those)};
}

/* ---- Arithmetic ---- */

/* Clips by a maximum and a minimum: an instruction each. */
static inline int32_t limit(int32_t value, int32_t low, int32_t high)
{
    value = value > low ? value : low;
    return value < high ? value : high;
}

/* The largest of some columns, at least one. */
ALWAYS_INLINE int32_t maximum_of(const void *x, uint32_t first, uint32_t end, uint32_t type)
{
    int32_t maximum = load(x, first, type);

    for (uint32_t c = first + 1; c < end; c++) {
        int32_t value = load(x, c, type);
        maximum = value > maximum ? value : maximum;
    }
    return maximum;
}

/* a // b, b not 0; one instruction where both fit 32 bits. */
static inline int64_t divide(int64_t a, int64_t b)
{
    if (a == (int32_t)a && b == (int32_t)b && a != INT32_MIN)
        return (int32_t)a / (int32_t)b;
    return a / b;
}

/* The same by a positive number. */
static inline int64_t divide_by(int64_t a, uint32_t b)
{
    if (a == (int32_t)a && b <= INT32_MAX)
        return (int32_t)a / (int32_t)b;
    return a / b;
}

/* floor(sqrt(value)), value below 2^63: one bit a step. */
static inline uint32_t square_root(uint64_t value)
{
    uint64_t root = 0;

    for (uint64_t bit = 1ull << ((bit_length(value | 1) - 1) & ~1u); bit; bit >>= 2) {
        uint64_t trial = root + bit;
        root >>= 1;
        if (value >= trial) {
            value -= trial;
            root += bit;
        }
    }
    return (uint32_t)root;
}

/* Sums of a row: of its elements and, modulo 2^64, of their squares. */
struct sums {
    int64_t elements;
    uint64_t squares;
};

enum { NARROW = 1 << 16 }; /* columns of bytes whose squares' sum fits 32 bits */

ALWAYS_INLINE struct sums sums_of(const void *x, uint32_t columns, uint32_t type)
{
    if (type != HEED_ELEMENT_TYPE_INT32 && columns <= NARROW) {
        int32_t elements = 0;
        uint32_t squares = 0;

        for (uint32_t c = 0; c < columns; c++) {
            int32_t value = load(x, c, type);
            elements += value;
            squares += (uint32_t)(value * value);
        }
        return (struct sums){elements, squares};
    }

    struct sums sums = {0, 0};
    for (uint32_t c = 0; c < columns; c++) {
        int32_t value = opaque(load(x, c, type));
        sums.elements += value;
        sums.squares += (uint64_t)product(value, value);
    }
    return sums;
}

/* The deviation of a row whose squares have this sum; once in a kernel, not for each type. */
static inline __attribute__((noinline)) uint32_t deviation(uint64_t squares,
                                                                  uint32_t columns)
{
    uint64_t mean = squares == (uint32_t)squares ? (uint32_t)squares / columns : squares / columns;

    return square_root(mean + 1);
}

#endif
