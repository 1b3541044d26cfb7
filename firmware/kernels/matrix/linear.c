/* Linear layer: rows of X times rows of W, requantised, in strips of blocks of 4 x 4. */

#include "matrix/linear.h"
#include "arithmetic.h"
#include "strip.h"

/* One row and one column: whatever has fewer than 4 columns, or sums of fewer than 4 products. */
static __attribute__((noinline)) void elements(const struct heed_linear *job, struct share share)
{
    uint32_t a_head = job->rows * job->columns;

    for (uint32_t at = share.first; at < share.end; at++) {
        uint32_t head = at / a_head, row = at % a_head / job->columns, column = at % job->columns;
        const word *x = (const word *)ROW(ROW(job->x, head, job->x_head_stride), row, job->x_stride);
        const word *w =
            (const word *)ROW(ROW(job->w, head, job->w_head_stride), column, job->w_stride);
        uint8_t *y = ROW((uint8_t *)job->y + column, head, job->y_head_stride);
        struct heed_core_entry entry =
            job->entries[job->row_entries ? head * job->rows + row : head * job->columns + column];
        int32_t sum = !job->data_unsigned ? row_sum(entry.bias, x, w, job->inner, false)
                      : job->row_entries  ? row_sum(entry.bias, w, x, job->inner, true)
                                          : row_sum(entry.bias, x, w, job->inner, true);
        uint32_t result = job->y_unsigned ? xheed_rq(0, sum, entry.rq, 0, 1)
                                          : xheed_rq(0, sum, entry.rq, 0, 0);

        *ROW(y, row, job->y_stride) =
            (uint8_t)(job->table ? (uint32_t)job->table[(int8_t)result + 128] : result);
    }
}

/* Where a hart is in a job. Blocks are numbered along strips, head after head: those with entries of
   columns run down, those with entries of rows across. */
struct walk {
    uint32_t down, across; /* blocks of a head */
    uint32_t length;       /* blocks of a strip */
    uint32_t line, at;     /* strip of the head, block of the strip */
    uint32_t left;         /* blocks to do */
};

/* The walk of a hart's share; the job becomes that of the head where it begins. */
static inline struct walk begin(struct heed_linear *job, struct heed_team team,
                                struct strip_kind kind)
{
    uint32_t down = (job->rows + kind.rows - 1) / kind.rows, across = (job->columns + 3) / BLOCK;
    struct share share = share_of(job->heads * down * across, team);
    uint32_t head = share.first / (down * across), within = share.first % (down * across);
    uint32_t length = kind.down ? down : across;

    job->x = ROW(job->x, head, job->x_head_stride);
    job->w = ROW(job->w, head, job->w_head_stride);
    job->y = ROW(job->y, head, job->y_head_stride);
    job->entries += head * (kind.row_entries ? job->rows : job->columns);
    return (struct walk){
        down, across, length, within / length, within % length, share.end - share.first};
}

/* On to the next strip; whether it is in the next head. */
static inline bool next_strip(struct heed_linear *job, struct walk *walk, struct strip_kind kind)
{
    walk->at = 0;
    if (++walk->line < (kind.down ? walk->across : walk->down))
        return false;
    walk->line = 0;
    job->x = ROW(job->x, 1, job->x_head_stride);
    job->w = ROW(job->w, 1, job->w_head_stride);
    job->y = ROW(job->y, 1, job->y_head_stride);
    job->entries += kind.row_entries ? job->rows : job->columns;
    return true;
}

/* Puts a strip at a row and a column. */
static inline void place(struct strip *strip, const struct heed_linear *job, struct strip_kind kind,
                         uint32_t row, uint32_t column)
{
    strip->x.at = ROW((const word *)job->x, row, job->x_stride);
    strip->w.at = ROW((const word *)job->w, column, job->w_stride);
    strip->y = (uint8_t *)ROW(job->y, row, job->y_stride) + column;
    strip->entries = job->entries + (kind.row_entries ? row : column);
}

/* Any sizes. Where one is no multiple of a block's, the last block reaches back into the one before
   it. */
static inline __attribute__((always_inline)) void any_sizes(struct heed_linear job,
                                                            struct heed_team team,
                                                            struct strip_kind kind)
{
    struct walk walk = begin(&job, team, kind);
    struct strip strip = new_strip(kind, job.x_stride, job.w_stride, job.y_stride, job.inner);

    while (walk.left) {
        uint32_t row = kind.rows * (kind.down ? walk.at : walk.line);
        uint32_t column = BLOCK * (kind.down ? walk.line : walk.at);
        struct strip_new new = {minimum(job.rows - row, kind.rows),
                                minimum(job.columns - column, BLOCK)};

        /* Whole blocks first, then the one that reaches back. */
        uint32_t fit = kind.down ? (job.rows - row) / kind.rows : (job.columns - column) / BLOCK;
        uint32_t blocks = fit ? minimum(minimum(walk.length - walk.at, walk.left), fit) : 1;
        place(&strip, &job, kind, minimum(row, job.rows - kind.rows),
              minimum(column, job.columns - BLOCK));
        strip.blocks = blocks;
        run_anywhere(kind, &strip, new, job.table);
        walk.left -= blocks;
        walk.at += blocks;
        if (walk.at == walk.length)
            next_strip(&job, &walk, kind);
    }
}

/* Looks a strip's results up in the job's table. */
static inline void activate(const struct heed_linear *job, struct strip_kind kind,
                            const struct strip *strip)
{
    uint32_t stride = job->y_stride;

    if (kind.down) {
        word *y = (word *)strip->y;

        look_up_words(y, stride, y, stride, kind.rows * strip->blocks, job->table);
        return;
    }
    for (unsigned row = 0; row < kind.rows; row++) {
        word *y = (word *)ROW(strip->y, row, stride);

        look_up_words(y, 4, y, 4, strip->blocks, job->table);
    }
}

/* Whole blocks, stored as words: little between two strips. */
static inline __attribute__((always_inline)) void whole_blocks(struct heed_linear job,
                                                               struct heed_team team,
                                                               struct strip_kind kind)
{
    struct walk walk = begin(&job, team, kind);
    struct strip strip = new_strip(kind, job.x_stride, job.w_stride, job.y_stride, job.inner);
    uint32_t row = kind.rows * (kind.down ? walk.at : walk.line);
    uint32_t column = BLOCK * (kind.down ? walk.line : walk.at);

    if (!walk.left)
        return;
    place(&strip, &job, kind, row, column);
    strip.blocks = minimum(walk.length - walk.at, walk.left);
    for (;;) {
        run_strip(kind, &strip);
        if (job.table)
            activate(&job, kind, &strip);
        walk.left -= strip.blocks;
        if (!walk.left)
            return;
        if (next_strip(&job, &walk, kind)) {
            place(&strip, &job, kind, 0, 0);
        } else if (kind.down) {
            strip.x.at = job.x;
            strip.w.at = ROW(strip.w.at, BLOCK, job.w_stride);
            strip.y = (uint8_t *)job.y + BLOCK * walk.line;
            strip.entries += BLOCK;
        } else {
            strip.x.at = ROW(strip.x.at, kind.rows, job.x_stride);
            strip.w.at = job.w;
            strip.y = ROW((uint8_t *)job.y, kind.rows * walk.line, job.y_stride);
            strip.entries += kind.rows;
        }
        strip.blocks = minimum(walk.length, walk.left);
    }
}

/* One function for each kind of strip. */
#define KIND(name, row_entries, is_unsigned, is_odd, to_unsigned)                                  \
    static __attribute__((noinline)) void name##_4(const struct heed_linear *job,                  \
                                                   struct heed_team team)                          \
    {                                                                                              \
        any_sizes(*job, team, STRIP(4, row_entries, is_unsigned, is_odd, to_unsigned));            \
    }                                                                                              \
    static __attribute__((noinline)) void name##_whole(const struct heed_linear *job,              \
                                                       struct heed_team team)                      \
    {                                                                                              \
        whole_blocks(*job, team, STRIP(4, row_entries, is_unsigned, is_odd, to_unsigned));         \
    }                                                                                              \
    static __attribute__((noinline)) void name##_1(const struct heed_linear *job,                  \
                                                   struct heed_team team)                          \
    {                                                                                              \
        any_sizes(*job, team, STRIP(1, row_entries, is_unsigned, is_odd, to_unsigned));            \
    }
#define STRIP(rows, row_entries, is_unsigned, is_odd, to_unsigned)                                 \
    (struct strip_kind)                                                                            \
    {                                                                                              \
        rows, !(is_unsigned) ? DOT_SS : (row_entries) ? DOT_SU : DOT_US, is_odd, to_unsigned,      \
            row_entries, false, (rows) == BLOCK && !(row_entries), (rows) != BLOCK && !(row_entries)      \
    }
#define KINDS(name, row_entries, is_unsigned)                                                      \
    KIND(name##_even, row_entries, is_unsigned, false, false)                                      \
    KIND(name##_even_u, row_entries, is_unsigned, false, true)                                     \
    KIND(name##_odd, row_entries, is_unsigned, true, false)                                        \
    KIND(name##_odd_u, row_entries, is_unsigned, true, true)
KINDS(column, false, false)
KINDS(column_u, false, true)
KINDS(row, true, false)
KINDS(row_u, true, true)

/* By what lies in a job: narrow, any sizes, whole blocks. */
#define SIZES(name) {name##_1, name##_4, name##_whole}
#define ALL(name) SIZES(name##_even), SIZES(name##_even_u), SIZES(name##_odd), SIZES(name##_odd_u)

void heed_linear(const struct heed_linear *job, struct heed_team team)
{
    static void (*const kinds[][3])(const struct heed_linear *, struct heed_team) = {
        ALL(column), ALL(column_u), ALL(row), ALL(row_u)};
    bool whole = ((uintptr_t)job->y | job->y_stride | job->y_head_stride | job->rows |
                  job->columns) %
                     BLOCK ==
                 0;

    if (job->columns < BLOCK || job->inner < 4)
        elements(job, share_of(job->heads * job->rows * job->columns, team));
    else
        kinds[8 * !!job->row_entries + 4 * !!job->data_unsigned + 2 * (job->inner % 4 != 0) +
              !!job->y_unsigned][job->rows < BLOCK ? 0 : whole ? 2 : 1](job, team);
}
