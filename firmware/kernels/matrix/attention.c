/* Attention: the rows of a head up to four at a time. */

#include "matrix/attention.h"
#include "arithmetic.h"
#include "softmax.h"
#include "strip.h"

/* How many keys a query sees. */
static inline uint32_t seen_by(const struct heed_logits *job, uint32_t query)
{
    int32_t most = (int32_t)query + job->offset + 1;

    return !job->causal || most > (int32_t)job->keys ? job->keys : most < 0 ? 0 : (uint32_t)most;
}

/* `columns` results of each row, 4 or more, in blocks across, the last one of which reaches back. `strip` lacks
   only the columns' rows w, y and the number of blocks. */
static inline __attribute__((always_inline)) void across(struct strip_kind kind,
                                                         struct strip *strip, const int8_t *w,
                                                         uint8_t *y, uint32_t columns)
{
    const word *x = strip->x.at;
    uint32_t first = 0, new = BLOCK, blocks = columns / BLOCK;

    for (;;) {
        strip->x.at = x;
        strip->w.at = (const word *)ROW(w, first, strip->w.stride);
        strip->y = y + first;
        strip->blocks = blocks;
        run_anywhere(kind, strip, (struct strip_new){kind.rows, new}, 0);
        if (columns % BLOCK == 0 || new != BLOCK)
            return;
        blocks = 1, new = columns % BLOCK, first = columns - BLOCK;
    }
}

/* A block's width of rows of one head, and what the head's rows share. */
struct logits_head {
    struct strip strip;
    struct heed_core_entry entry;
    const int8_t *k;
    const uint8_t *table;
    uint32_t g;
};

static inline void enter_logits(struct logits_head *head, const struct heed_logits *job,
                                uint32_t index)
{
    struct heed_attention_entry entry = job->entries[index];

    head->entry = entry.logit;
    head->strip.entries = &head->entry;
    head->k = ROW(job->k, index, job->k_head_stride);
    head->table = job->exponentials + 256 * (entry.j - 1);
    head->g = entry.g;
}

/* Logits of some rows q. */
static inline __attribute__((always_inline)) void logits_of(unsigned rows, bool odd,
                                                            struct logits_head *head, uint8_t *e,
                                                            uint32_t columns)
{
    const struct strip_kind kind = {.rows = rows, .dot = DOT_SS, .odd = odd, .one_entry = true};

    head->strip.x_next = 4 - (rows - 1) * head->strip.x.stride;
    across(kind, &head->strip, head->k, e, columns);
}

/* The same where there are fewer than four keys, or sums of fewer than four products. */
static __attribute__((noinline)) void few_logits(const struct heed_logits *job,
                                                 const struct logits_head *head, uint32_t rows,
                                                 const int8_t *q, uint8_t *e)
{
    struct heed_core_entry entry = head->entry;

    for (; rows; rows--, q = ROW(q, 1, job->q_stride), e = ROW(e, 1, job->e_stride))
        for (uint32_t column = 0; column < job->columns; column++) {
            const word *k = (const word *)ROW(head->k, column, job->k_stride);
            int32_t sum = row_sum(entry.bias, (const word *)q, k, job->inner, false);

            e[column] = (uint8_t)xheed_rq(0, sum, entry.rq, 0, 0);
        }
}

/* Logits of up to four rows of a head, `columns` of each. */
static inline __attribute__((always_inline)) void rows_of_logits(const struct heed_logits *job,
                                                                 struct logits_head *head,
                                                                 uint32_t rows, const int8_t *q,
                                                                 uint8_t *e, uint32_t columns)
{
    if (job->columns < BLOCK || job->inner < 4) {
        few_logits(job, head, rows, q, e);
        return;
    }
    if (!columns)
        return;
    head->strip.x.at = (const word *)q;
#define LOGITS(rows)                                                                               \
    case rows:                                                                                     \
        if (job->inner % 4)                                                                        \
            logits_of(rows, true, head, e, columns);                                               \
        else                                                                                       \
            logits_of(rows, false, head, e, columns);                                              \
        break;
    switch (rows) {
        LOGITS(1)
        LOGITS(2)
        LOGITS(3)
        LOGITS(4)
    }
}

/* How many logits a row and those before it need: blocks are done whole where the keys allow it. */
static inline uint32_t columns_for(const struct heed_logits *job, uint32_t row)
{
    return minimum((seen_by(job, row) + 3) / BLOCK * BLOCK, job->columns);
}

/* Exponentials and factors of rows of a head from `row` on; `words` of each row are made. Rows that
   see the same keys go together: all of them, unless the mask is causal. */
static inline void softmax_of(const struct heed_logits *job, const struct logits_head *head,
                              uint32_t row, uint32_t rows, uint8_t *e,
                              struct heed_core_entry *factors, uint32_t words)
{
    for (uint32_t step = job->causal ? 1 : rows; rows; rows -= step, row += step) {
        softmax_rows((struct logit_rows){(word *)e, job->e_stride, step, seen_by(job, row), words},
                     head->table, head->g, factors);
        e = ROW(e, step, job->e_stride);
        factors += step;
    }
}

struct values_head {
    struct strip strip;
    const int8_t *vt;
    int8_t *y;
};

static inline __attribute__((always_inline)) void values_rows(unsigned rows,
                                                              struct values_head *head, uint8_t *y,
                                                              uint32_t columns)
{
    const struct strip_kind kind = {.rows = rows, .dot = DOT_US, .row_entries = true};

    head->strip.x_next = 4 - (rows - 1) * head->strip.x.stride;
    across(kind, &head->strip, head->vt, y, columns);
}

static __attribute__((noinline)) void few_values(const struct heed_values *job,
                                                 const struct values_head *head, uint32_t rows,
                                                 const uint8_t *e,
                                                 const struct heed_core_entry *factors,
                                                 uint32_t words, int8_t *y)
{
    for (; rows; rows--, factors++, e = ROW(e, 1, job->e_stride), y = ROW(y, 1, job->y_stride))
        for (uint32_t column = 0; column < job->columns; column++) {
            const word *v = (const word *)ROW(head->vt, column, job->vt_stride);
            int32_t sum = row_sum(0, (const word *)e, v, 4 * words, true);

            y[column] = (int8_t)xheed_rq(0, sum, factors->rq, 0, 0);
        }
}

/* Results of up to four rows of a head, from exponentials at e. */
static inline __attribute__((always_inline)) void
values_of(const struct heed_values *job, struct values_head *head, uint32_t rows, const uint8_t *e,
          const struct heed_core_entry *factors, uint32_t words, int8_t *y)
{
    if (job->columns < BLOCK) {
        few_values(job, head, rows, e, factors, words, y);
        return;
    }
    head->strip.x.at = (const word *)e;
    head->strip.entries = factors;
#define VALUES(rows)                                                                               \
    case rows:                                                                                     \
        values_rows(rows, head, (uint8_t *)y, job->columns);                                       \
        break;
    switch (rows) {
        VALUES(1)
        VALUES(2)
        VALUES(3)
        VALUES(4)
    }
}

static inline struct strip logits_strip(const struct heed_logits *job)
{
    return new_strip((struct strip_kind){.rows = BLOCK, .odd = job->inner % 4 != 0}, job->q_stride,
                     job->k_stride, job->e_stride, job->inner);
}

static inline struct strip values_strip(const struct heed_values *job)
{
    return new_strip((struct strip_kind){.rows = BLOCK}, job->e_stride, job->vt_stride,
                     job->y_stride, job->inner);
}

void heed_logits(const struct heed_logits *given, struct heed_team team)
{
    struct heed_logits job = *given;
    struct head_share share = head_share_of(job.heads, job.rows, 1, team);
    struct head_rows part;
    struct logits_head head = {.strip = logits_strip(&job)};

    while (next_head_rows(&share, &part)) {
        uint32_t row = part.rows.first, count = part.rows.end - row;
        struct heed_core_entry *factors = job.factors + part.head * job.rows + row;
        const int8_t *q = ROW(ROW(job.q, part.head, job.q_head_stride), row, job.q_stride);
        uint8_t *e = ROW(ROW(job.e, part.head, job.e_head_stride), row, job.e_stride);

        uint8_t *to = e;

        enter_logits(&head, &job, part.head);
        for (uint32_t i = 0; i < count; i += BLOCK) {
            uint32_t rows = minimum(BLOCK, count - i);

            rows_of_logits(&job, &head, rows, q, to, columns_for(&job, row + i + rows - 1));
            q = ROW(q, BLOCK, job.q_stride);
            to = ROW(to, BLOCK, job.e_stride);
        }
        softmax_of(&job, &head, row, count, e, factors, (job.columns + 3) / 4);
    }
}

void heed_values(const struct heed_values *given, struct heed_team team)
{
    struct heed_values job = *given;
    struct head_share share = head_share_of(job.heads, job.rows, 1, team);
    struct head_rows part;
    uint32_t words = (job.inner + 3) / 4;

    job.inner = 4 * words; /* behind the last key e has zeros */
    struct values_head head = {.strip = values_strip(&job)};

    while (next_head_rows(&share, &part)) {
        uint32_t row = part.rows.first, count = part.rows.end - row;
        const struct heed_core_entry *factors = job.factors + part.head * job.rows + row;
        const uint8_t *e = ROW(ROW(job.e, part.head, job.e_head_stride), row, job.e_stride);
        int8_t *y = ROW(ROW(job.y, part.head, job.y_head_stride), row, job.y_stride);

        head.vt = ROW(job.vt, part.head, job.vt_head_stride);
        for (uint32_t i = 0; i < count; i += BLOCK) {
            uint32_t rows = minimum(BLOCK, count - i);

            values_of(&job, &head, rows, e, factors, words, y);
            e = ROW(e, BLOCK, job.e_stride);
            y = ROW(y, BLOCK, job.y_stride);
            factors += rows;
        }
    }
}

void heed_attention(const struct heed_attention *job, struct heed_team team)
{
    struct heed_logits logits = {
        .q_stride = job->q_stride,
        .k = job->k,
        .k_stride = job->k_stride,
        .k_head_stride = job->k_head_stride,
        .e_stride = (job->columns + 3) / 4 * 4,
        .entries = job->entries,
        .exponentials = job->exponentials,
        .columns = job->columns,
        .inner = job->inner,
        .keys = job->keys,
        .causal = job->causal,
        .offset = job->offset,
    };
    struct heed_values values = {
        .e_stride = logits.e_stride,
        .vt = job->vt,
        .vt_stride = job->vt_stride,
        .vt_head_stride = job->vt_head_stride,
        .y_stride = job->y_stride,
        .columns = job->inner,
        .inner = 4,
    };
    struct head_share share = head_share_of(job->heads, job->rows, 1, team);
    struct head_rows part;
    struct logits_head logits_head = {.strip = logits_strip(&logits)};
    struct values_head values_head = {.strip = values_strip(&values)};
    uint8_t *e = ROW((uint8_t *)job->scratch, team.index, job->scratch_stride);
    struct heed_core_entry factors[BLOCK];

    while (next_head_rows(&share, &part)) {
        uint32_t row = part.rows.first;
        const int8_t *q = ROW(ROW(job->q, part.head, job->q_head_stride), row, job->q_stride);
        int8_t *y = ROW(ROW(job->y, part.head, job->y_head_stride), row, job->y_stride);

        enter_logits(&logits_head, &logits, part.head);
        values_head.vt = ROW(job->vt, part.head, job->vt_head_stride);
        for (; row < part.rows.end; row += BLOCK) {
            uint32_t rows = minimum(BLOCK, part.rows.end - row);
            uint32_t columns = columns_for(&logits, row + rows - 1);
            uint32_t words = columns ? (columns + 3) / 4 : 1;

            rows_of_logits(&logits, &logits_head, rows, q, e, columns);
            softmax_of(&logits, &logits_head, row, rows, e, factors, words);
            values_head.strip.words = words;
            values_head.strip.x_move = 0 - 4 * words;
            values_head.strip.w_move = BLOCK * job->vt_stride - 4 * words;
            values_of(&values, &values_head, rows, e, factors, words, y);
            q = ROW(q, BLOCK, job->q_stride);
            y = ROW(y, BLOCK, job->y_stride);
        }
    }
}
