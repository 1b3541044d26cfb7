/* What the kernels share: parameter entries, clipping, rows, shares of work. */
#ifndef HEED_ARITHMETIC_H
#define HEED_ARITHMETIC_H

#include <stdint.h>

#include "kernel.h"

/* Four bytes of a row, whatever their type. */
typedef uint32_t __attribute__((may_alias)) word;

/* A parameter entry, unpacked. */
struct entry {
    int64_t add;
    int32_t mul, rmul;
    uint32_t shift, rsh;
};

/* Sign-extends the lowest `bits` bits. */
static inline int32_t sign_extend(uint32_t value, unsigned bits)
{
    return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

/* Keeps a compiler from seeing that a value is narrow: with it, product() becomes three or four
   multiplications instead of mul and mulh. */
static inline int32_t opaque(int32_t value)
{
    __asm__("" : "+r"(value));
    return value;
}

static inline struct entry unpack(const struct heed_parameter *packed)
{
    uint32_t high = (uint32_t)(packed->word0 >> 32);

    return (struct entry){
        .add = (int64_t)((uint64_t)(uint32_t)sign_extend(high, 16) << 32 | (uint32_t)packed->word0),
        .mul = opaque(sign_extend((uint32_t)packed->word1, 17)),
        .rmul = opaque(sign_extend((uint32_t)(packed->word1 >> 32), 17)),
        .shift = high >> (HEED_PARAMETER_SHIFT_SHIFT - 32) & HEED_PARAMETER_SHIFT_MASK,
        .rsh = high >> (HEED_PARAMETER_RSH_SHIFT - 32) & HEED_PARAMETER_RSH_MASK,
    };
}

/* The exact 64-bit product of two 32-bit values: mul and mulh. */
static inline int64_t product(int32_t a, int32_t b)
{
    return (int64_t)a * b;
}

/* The low half of value >> shift, shift 0 to 31. Spelled out, because a compiler must reckon with
   shifts of 32 and more. */
static inline int32_t shift_right_low(int64_t value, uint32_t shift)
{
    uint32_t high = (uint32_t)((uint64_t)value >> 32);

    return (int32_t)((uint32_t)value >> shift | high << 1 << (31 - shift));
}

/* value >> shift, shift 0 to 31, saturated to 32 bits. */
static inline int32_t shift_right(int64_t value, uint32_t shift)
{
    int32_t high = (int32_t)(value >> 32);
    int32_t result = shift_right_low(value, shift);

    return high >> shift == result >> 31 ? result : (high >> 31) ^ INT32_MAX;
}

static inline uint32_t magnitude(int32_t value)
{
    return value < 0 ? 0 - (uint32_t)value : (uint32_t)value;
}

static inline uint32_t minimum(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline int32_t clip(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline int8_t clip8(int32_t value)
{
    return (int8_t)clip(value, INT8_MIN, INT8_MAX);
}

static inline int16_t clip16(int32_t value)
{
    return (int16_t)clip(value, INT16_MIN, INT16_MAX);
}

/* Number of bits of a value; 0 for 0. */
static inline unsigned bit_length(uint64_t value)
{
    unsigned length = 0;

    for (unsigned step = 32; step; step >>= 1) {
        if (value >> step) {
            value >>= step;
            length += step;
        }
    }
    return length + (unsigned)value;
}

/* Row number `row` of a matrix whose rows lie `stride` bytes apart. */
#define ROW(base, row, stride)                                                                     \
    ((__typeof__(base))((uintptr_t)(base) + (uintptr_t)(row) * (uintptr_t)(stride)))

/* A hart's part of a matrix. */
struct part {
    struct share rows, columns;
};

/* Shares a matrix out by rows and by columns, the latter in units of `unit` columns. Of the ways to
   cut it that the team's size allows, the one whose largest part is smallest, where a unit of
   columns costs as much as its rows and `more` others. Many rows at no such cost are not cut. */
static inline struct part part_of(uint32_t rows, uint32_t columns, uint32_t unit, uint32_t more,
                                  struct heed_team team)
{
    uint32_t units = (columns + unit - 1) / unit, across = 1;

    if (more || rows < 4 * team.size) {
        uint32_t least = UINT32_MAX;

        for (uint32_t parts = 1; parts <= team.size; parts++) {
            uint32_t down = team.size / parts;
            uint32_t most = ((rows + down - 1) / down + more) * ((units + parts - 1) / parts);

            if (down * parts == team.size && most < least) {
                least = most;
                across = parts;
            }
        }
    }
    struct heed_team by_rows = {team.index / across, team.size / across};
    struct heed_team by_columns = {team.index % across, across};
    struct part part = {share_of(rows, by_rows), share_of(units, by_columns)};

    /* The last unit may be smaller. */
    part.columns.first *= unit;
    part.columns.end *= unit;
    if (part.columns.end > columns)
        part.columns.end = columns;
    if (part.columns.first > columns)
        part.columns.first = columns;
    return part;
}

#endif
