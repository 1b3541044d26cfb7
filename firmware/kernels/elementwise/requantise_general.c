/* Requantisation with general entries, exact in 64 bits. */

#include "elementwise/elementwise.h"
#include "elementwise/scaled_sum.h"
#include "heed/loops.h"
#include "heed/xcv.h"

enum {
    UNPACKING = 8 /* rows that cost as much as an entry */
};

/* An entry as the high word of x * mul + add. */
struct high {
    int32_t mul;
    uint32_t low; /* of add */
    int32_t high;
};

/* Whether (x * mul + add) >> shift is the high word of x * (mul << k) + (add << k) with k = 32 -
   shift: the factor and every sum fit, which is so for scales below 1/2. Then gives them. */
static bool to_high(const struct entry *entry, struct high *high)
{
    uint32_t shift = entry->shift;
    int64_t most = (int64_t)1 << (30 + shift);

    if (shift == 0 || entry->add >= most || entry->add <= -most)
        return false;
    int32_t limit = (int32_t)((1u << shift) >> 1);
    if (entry->mul >= limit || entry->mul <= -limit)
        return false;
    uint64_t add = (uint64_t)entry->add << (32 - shift);
    *high = (struct high){(int32_t)((uint32_t)entry->mul << (32 - shift)), (uint32_t)add,
                          (int32_t)(uint32_t)(add >> 32)};
    return true;
}

/* Two neighbours, how far it is to the next two, and how many pairs there are. */
struct wide_pairs {
    const int32_t *x;
    void *y;
    uint32_t x_step, y_step, count;
};

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP &&           \
    HEED_CORE_XCV_ALU

#define BOTH(text) text(0) text(1)
#define LOW_PRODUCT(i) "mul %[t" #i "], %[x" #i "], %[mul" #i "]\n"
#define HIGH_PRODUCT(i) "mulh %[x" #i "], %[x" #i "], %[mul" #i "]\n"
#define ADD_LOW(i) "add %[t" #i "], %[t" #i "], %[low" #i "]\n"
#define CARRY(i) "sltu %[t" #i "], %[t" #i "], %[low" #i "]\n"
#define ADD_HIGH(i) "add %[x" #i "], %[x" #i "], %[high" #i "]\n"
#define ADD_CARRY(i) "add %[x" #i "], %[x" #i "], %[t" #i "]\n"

#define CLIP_BYTES(clip, bits)                                                                     \
    clip " %[x0], %[x0], " bits "\n" clip " %[x1], %[x1], " bits "\n"                              \
         "cv.sb %[x0], (%[y]), 1\n"                                                                \
         "cv.sb %[x1], (%[y]), %[y_next]\n"
#define CLIP_HALVES                                                                                \
    "cv.clip %[x0], %[x0], 16\n"                                                                   \
    "cv.clip %[x1], %[x1], 16\n"                                                                   \
    "cv.pack %[x0], %[x1], %[x0]\n"                                                                \
    "cv.sw %[x0], (%[y]), %[y_next]\n"

/* t0 holds the count before the loop. */
#define WIDE_PAIRS(store)                                                                          \
    __asm__ volatile(XCV_LOOP(0, "%[t0]", 18) "cv.lw %[x0], (%[x]), 4\n"                           \
                     "cv.lw %[x1], (%[x]), %[x_next]\n" BOTH(LOW_PRODUCT) BOTH(HIGH_PRODUCT)       \
                         BOTH(ADD_LOW) BOTH(CARRY) BOTH(ADD_HIGH) BOTH(ADD_CARRY) store            \
                     : [t0] "+r"(t0), [t1] "=&r"(t1), [x0] "=&r"(x0), [x1] "=&r"(x1),              \
                       [x] "+r"(pairs.x), [y] "+r"(pairs.y)                                        \
                     : [x_next] "r"(pairs.x_step - 4), [y_next] "r"(y_next),                       \
                       [mul0] "r"(h[0].mul), [mul1] "r"(h[1].mul), [low0] "r"(h[0].low),           \
                       [low1] "r"(h[1].low), [high0] "r"(h[0].high), [high1] "r"(h[1].high)        \
                     : "memory")

static inline void do_wide_pairs(struct wide_pairs pairs, const struct high h[2],
                                 enum target target)
{
    uint32_t t0 = pairs.count, t1, x0, x1;
    uint32_t y_next = pairs.y_step - (target != TO_INT16);

    if (target == TO_INT16)
        WIDE_PAIRS(CLIP_HALVES);
    else if (target == TO_INT8)
        WIDE_PAIRS(CLIP_BYTES("cv.clip", "8"));
    else
        WIDE_PAIRS(CLIP_BYTES("cv.clipu", "9"));
}

#else

static inline void do_wide_pairs(struct wide_pairs pairs, const struct high h[2],
                                 enum target target)
{
    while (pairs.count--) {
        for (uint32_t i = 0; i < 2; i++) {
            uint64_t sum = (uint64_t)product(pairs.x[i], h[i].mul) + h[i].low;
            int32_t value = (int32_t)((uint32_t)(sum >> 32) + (uint32_t)h[i].high);

            if (target == TO_INT16)
                ((int16_t *)pairs.y)[i] = clip16(value);
            else if (target == TO_INT8)
                ((int8_t *)pairs.y)[i] = clip8(value);
            else
                ((uint8_t *)pairs.y)[i] = (uint8_t)clip(value, 0, UINT8_MAX);
        }
        pairs.x = ROW(pairs.x, 1, pairs.x_step);
        pairs.y = ROW(pairs.y, 1, pairs.y_step);
    }
}

#endif

/* An int32 matrix and where its elements go. */
struct wide {
    const int32_t *x;
    uint32_t x_stride;
    void *y;
    uint32_t y_stride;
    enum target target;
};

/* The definition. */
static __attribute__((noinline)) void exact(const struct wide *given, struct part part,
                                            const struct entry *with)
{
    struct wide job = *given;
    struct entry entry = *with;

    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const int32_t *x = ROW(job.x, row, job.x_stride);
        void *y = ROW(job.y, row, job.y_stride);

        for (uint32_t c = part.columns.first; c < part.columns.end; c++) {
            int32_t value = shift_right(product(x[c], entry.mul) + entry.add, entry.shift);

            if (job.target == TO_INT16)
                ((int16_t *)y)[c] = clip16(value);
            else if (job.target == TO_INT8)
                ((int8_t *)y)[c] = clip8(value);
            else
                ((uint8_t *)y)[c] = (uint8_t)clip(value, 0, UINT8_MAX);
        }
    }
}

static struct wide_pairs pairs_at(const struct wide *job, uint32_t row, uint32_t column)
{
    uint32_t y_bytes = job->target == TO_INT16 ? 2 : 1;

    return (struct wide_pairs){
        .x = ROW(job->x, row, job->x_stride) + column,
        .y = ROW(job->y, row, job->y_stride) + column * y_bytes,
        .x_step = 8,
        .y_step = 2 * y_bytes,
    };
}

/* One entry for all: along the rows. */
static void along_rows(const struct wide *job, struct part part, const struct heed_parameter *at)
{
    struct entry entry = unpack(at);
    struct high both[2];
    uint32_t count = (part.columns.end - part.columns.first) / 2;

    if (count && to_high(&entry, &both[0])) {
        both[1] = both[0];
        for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
            struct wide_pairs pairs = pairs_at(job, row, part.columns.first);

            pairs.count = count;
            do_wide_pairs(pairs, both, job->target);
        }
        part.columns.first += 2 * count;
    }
    if (part.columns.first < part.columns.end)
        exact(job, part, &entry);
}

/* An entry a column: down two columns, or one. */
static void down_columns(const struct wide *job, struct part part, const struct heed_parameter *at)
{
    uint32_t rows = part.rows.end - part.rows.first;
    uint32_t end = part.columns.end;

    for (uint32_t c = part.columns.first; c < end && rows; c += 2) {
        struct entry entries[2] = {unpack(&at[c])};
        struct high high[2];
        bool two = c + 1 < end;

        if (two) {
            entries[1] = unpack(&at[c + 1]);
            if (to_high(&entries[0], &high[0]) && to_high(&entries[1], &high[1])) {
                struct wide_pairs pairs = pairs_at(job, part.rows.first, c);

                pairs.x_step = job->x_stride;
                pairs.y_step = job->y_stride;
                pairs.count = rows;
                do_wide_pairs(pairs, high, job->target);
                continue;
            }
        }
        for (uint32_t i = 0; i < 1u + two; i++) {
            part.columns = (struct share){c + i, c + i + 1};
            exact(job, part, &entries[i]);
        }
    }
}

void heed_requantise_general(const struct heed_requantise_general *job, struct heed_team team)
{
    enum target target = job->y_bytes == 2 ? TO_INT16 : job->y_unsigned ? TO_UINT8 : TO_INT8;
    const struct scaled_sum sum = {
        .a = {job->x, job->x_stride, job->x_bytes},
        .y = job->y,
        .y_stride = job->y_stride,
        .target = target,
        .entries = job->entries,
        .per_column = job->per_column,
        .rows = job->rows,
        .columns = job->columns,
    };
    uint32_t more = job->per_column ? UNPACKING : 0;
    const struct wide wide = {job->x, job->x_stride, job->y, job->y_stride, target};

    if (job->x_bytes < 4)
        scaled_sum(&sum, team);
    else if (job->per_column)
        down_columns(&wide, part_of(job->rows, job->columns, 2, more, team), job->entries);
    else
        along_rows(&wide, part_of(job->rows, job->columns, 2, more, team), job->entries);
}
