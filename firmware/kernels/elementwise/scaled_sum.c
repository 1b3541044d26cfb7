/* Sums of one or two scaled matrices. */

#include "elementwise/scaled_sum.h"
#include "elementwise/pairs.h"

enum {
    MOST_UP = 14, /* a factor of 17 bits, shifted by so many, fits 32 */
    UNPACKING = 12 /* rows that cost as much as an entry */
};

/* Whether the factor of an operand fits what multiplies it, a half of a word or a word, and every
   product 32 bits. */
static bool factor_fits(uint32_t factor, uint32_t bytes)
{
    return factor <= (bytes == 2 ? INT16_MAX : INT32_MAX >> 7);
}

/* Whether an entry's sums fit 32 bits; then gives its factors. When `late`, the second term must
   be a multiple of what the shift divides by, so that it can join the rest behind the shift. */
static inline bool unpack_factors(const struct scaled_sum *job, const struct heed_parameter *entry,
                                  bool late, struct factors *factors)
{
    uint32_t high = (uint32_t)(entry->word0 >> 32);
    uint32_t shift = high >> (HEED_PARAMETER_SHIFT_SHIFT - 32) & HEED_PARAMETER_SHIFT_MASK;
    uint32_t rsh = high >> (HEED_PARAMETER_RSH_SHIFT - 32) & HEED_PARAMETER_RSH_MASK;
    uint32_t up = late ? rsh - shift : rsh;
    int32_t add = (int32_t)(uint32_t)entry->word0;
    int32_t a = sign_extend((uint32_t)entry->word1, 17), b = 0;

    if (job->b.bytes) {
        if (up > MOST_UP)
            return false;
        b = (int32_t)((uint32_t)sign_extend((uint32_t)(entry->word1 >> 32), 17) << up);
    }
    *factors = (struct factors){a, b, add, shift};
    if (sign_extend(high, 16) != add >> 31 || add == INT32_MIN ||
        !factor_fits(magnitude(a), job->a.bytes) || !factor_fits(magnitude(b), job->b.bytes))
        return false;

    /* Neither sum can pass 2^32 as long as the one before it is below 2^31. */
    uint32_t sum = (magnitude(a) << (8 * job->a.bytes - 1)) + magnitude(add);
    uint32_t second = job->b.bytes ? magnitude(b) << (8 * job->b.bytes - 1) : 0;
    if (sum > INT32_MAX)
        return false;
    if (late)
        sum = (sum >> shift) + 1;
    return sum + second <= INT32_MAX;
}

static bool both_fit(const struct scaled_sum *job, const struct heed_parameter *first,
                     const struct heed_parameter *second, bool late, struct pairs *pairs)
{
    pairs->late = late;
    return unpack_factors(job, first, late, &pairs->factors[0]) &&
           unpack_factors(job, second, late, &pairs->factors[1]);
}

/* Whether words of two int16 can be read or written. */
static bool aligned(const void *at, uint32_t stride, uint32_t bytes)
{
    return bytes != 2 || !(((uintptr_t)at | stride) & 3);
}

static bool can_pair(const struct scaled_sum *job)
{
    return aligned(job->a.at, job->a.stride, job->a.bytes) &&
           aligned(job->b.at, job->b.stride, job->b.bytes) &&
           aligned(job->y, job->y_stride, job->target == TO_INT16 ? 2 : 1);
}

static int32_t element(const void *at, uint32_t index, uint32_t bytes)
{
    return bytes == 1 ? ((const int8_t *)at)[index] : ((const int16_t *)at)[index];
}

/* The definition, in 64 bits, with one entry. (b * rmul) << rsh is b * factor, modulo 2^64; a
   `narrow` factor fits 32 bits, which saves multiplications. */
static inline __attribute__((always_inline)) void
exact_rows(const struct scaled_sum *job, struct part part, struct entry entry, bool narrow,
           uint32_t a_bytes, uint32_t b_bytes, enum target target)
{
    struct scaled_sum sum = *job;
    uint64_t factor = (uint64_t)(int64_t)entry.rmul << entry.rsh;
    int32_t low_factor = opaque((int32_t)factor);

    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const void *a = ROW(sum.a.at, row, sum.a.stride), *b = ROW(sum.b.at, row, sum.b.stride);
        void *y = ROW(sum.y, row, sum.y_stride);

        for (uint32_t c = part.columns.first; c < part.columns.end; c++) {
            int64_t total = product(element(a, c, a_bytes), entry.mul) + entry.add;

            if (b_bytes) {
                int32_t second = element(b, c, b_bytes);

                total += narrow ? product(second, low_factor)
                                : (int64_t)((uint64_t)(int64_t)second * factor);
            }
            int32_t value = shift_right(total, entry.shift);
            if (target == TO_INT16)
                ((int16_t *)y)[c] = clip16(value);
            else if (target == TO_INT8)
                ((int8_t *)y)[c] = clip8(value);
            else
                ((uint8_t *)y)[c] = (uint8_t)clip(value, 0, UINT8_MAX);
        }
    }
}

static __attribute__((noinline)) void exact(const struct scaled_sum *job, struct part part,
                                            const struct heed_parameter *packed)
{
    struct entry entry = unpack(packed);
    int64_t factor = (int64_t)((uint64_t)(int64_t)entry.rmul << entry.rsh);
    uint32_t a_bytes = job->a.bytes, b_bytes = job->b.bytes;

    if (factor != (int32_t)factor)
        exact_rows(job, part, entry, false, a_bytes, b_bytes, job->target);
    else if (a_bytes == 2 && b_bytes == 2 && job->target == TO_INT16) /* a residual stream */
        exact_rows(job, part, entry, true, 2, 2, TO_INT16);
    else
        exact_rows(job, part, entry, true, a_bytes, b_bytes, job->target);
}

/* Lets pairs begin at a row and a column. */
static void start(struct pairs *pairs, const struct scaled_sum *job, uint32_t row, uint32_t column)
{
    pairs->a = ROW(job->a.at, row, job->a.stride) + column * job->a.bytes;
    pairs->b = ROW(job->b.at, row, job->b.stride) + column * job->b.bytes;
    pairs->y = ROW(job->y, row, job->y_stride) + (column << (job->target == TO_INT16));
}

/* One entry for all: along the rows. */
static void along_rows(const struct scaled_sum *job, struct part part)
{
    uint32_t count = (part.columns.end - part.columns.first) / 2;
    uint32_t y_bytes = job->target == TO_INT16 ? 2 : 1;
    struct pairs pairs = {
        .a_step = 2 * job->a.bytes,
        .b_step = 2 * job->b.bytes,
        .y_step = 2 * y_bytes,
        .a_gap = (int32_t)(job->a.stride - 2 * count * job->a.bytes),
        .b_gap = (int32_t)(job->b.stride - 2 * count * job->b.bytes),
        .y_gap = (int32_t)(job->y_stride - 2 * count * y_bytes),
        .count = count,
        .lines = part.rows.end - part.rows.first,
        .target = job->target,
    };

    if (count && can_pair(job) &&
        (both_fit(job, job->entries, job->entries, false, &pairs) ||
         both_fit(job, job->entries, job->entries, true, &pairs))) {
        start(&pairs, job, part.rows.first, part.columns.first);
        do_pairs(&pairs, job->a.bytes, job->b.bytes);
        part.columns.first += 2 * count;
    }
    if (part.columns.first < part.columns.end)
        exact(job, part, job->entries);
}

/* An entry a column: down two columns, or one. */
static void down_columns(const struct scaled_sum *job, struct part part)
{
    bool paired = can_pair(job);
    uint32_t end = part.columns.end;
    struct pairs pairs = {
        .a_step = job->a.stride,
        .b_step = job->b.stride,
        .y_step = job->y_stride,
        .count = part.rows.end - part.rows.first,
        .target = job->target,
    };

    for (uint32_t c = part.columns.first; c < end; c += 2) {
        const struct heed_parameter *entries = &job->entries[c];

        if (paired && c + 1 < end &&
            (both_fit(job, &entries[0], &entries[1], false, &pairs) ||
             both_fit(job, &entries[0], &entries[1], true, &pairs))) {
            pairs.lines = 1;
            start(&pairs, job, part.rows.first, c);
            do_pairs(&pairs, job->a.bytes, job->b.bytes);
            continue;
        }
        for (uint32_t i = 0; i < 2 && c + i < end; i++) {
            part.columns = (struct share){c + i, c + i + 1};
            exact(job, part, &entries[i]);
        }
    }
}

void scaled_sum_part(const struct scaled_sum *job, struct part part)
{
    if (part.rows.first == part.rows.end)
        return;
    if (job->per_column)
        down_columns(job, part);
    else
        along_rows(job, part);
}

void scaled_sum(const struct scaled_sum *job, struct heed_team team)
{
    uint32_t more = job->per_column ? UNPACKING : 0;

    scaled_sum_part(job, part_of(job->rows, job->columns, 2, more, team));
}
