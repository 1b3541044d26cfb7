/* Convolution of every channel by itself, four channels of four pixels at a time. Up to four rows
 * of the kernel go into one word a channel and column, so that a dot product does them all. */

#include "convolution/convolution.h"
#include "stretch.h"
#include "turn.h"

/* Output pixels whose columns are turned together. */
#define TILE 16

/* What a hart knows of its job. Bands are up to four rows of the kernel. */
struct plan {
    const struct heed_depthwise *job;
    word *w, *x;             /* turned weights and columns of x: band, column, channel */
    const word *fill;        /* four pad values, and behind them four zeros */
    uint32_t bands, columns; /* how many, and columns that there is room for */
    uint32_t shift;          /* kernel rows from an output row to the next, if both fit a band */
    uint32_t channel, count; /* the first channel, and how many of four there are */
    bool x_words, y_words;   /* pixels begin at multiples of 4 */
};

/* Output pixels, four by four: their columns, and where the results go. */
struct quads {
    const word *x, *w;
    int32_t x_right, x_next, x_band; /* bytes from a pixel to the next, from the last one to the
                                        kernel's next column, and from there to the next band */
    int32_t x_move;                  /* from behind the last band to the next four pixels */
    uint32_t columns, bands;         /* of the kernel */
    const struct heed_core_entry *entries;
    uint8_t *y;
    uint32_t y_pixel;
    uint32_t left; /* how many fours */
};

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP &&           \
    HEED_CORE_XHEED

/* A column of the kernel: 4 words of w, 16 of x and their dot products, 36 instructions. Registers
   are those of matrix/block_text.h; no word is used right after its load. */
#define TWO(dot, a, b, w0, w1, step)                                                               \
    dot " " #a ", t4, " #w0 "\ncv.lw t4, (s10), 4\n" dot " " #b ", t5, " #w1                       \
        "\ncv.lw t5, (s10), " #step "\n"
#define COLUMN(dot)                                                                                \
    "cv.lw t0, (s11), 4\ncv.lw t1, (s11), 4\ncv.lw t2, (s11), 4\ncv.lw t3, (s11), 4\n"             \
    "cv.lw t4, (s10), 4\ncv.lw t5, (s10), 4\n" TWO(dot, a0, a1, t0, t1, s0)                        \
        TWO(dot, a2, a3, t2, t3, 4) TWO(dot, a4, a5, t0, t1, s0) TWO(dot, a6, a7, t2, t3, 4)       \
            TWO(dot, s2, s3, t0, t1, s0) TWO(dot, s4, s5, t2, t3, 4)                               \
                TWO(dot, s6, s7, t0, t1, s1) dot " s8, t4, t2\n" dot " s9, t5, t3\n"

#define QUADS_ASM(dot, U)                                                                          \
    __asm__ volatile("lw gp, %[entries]\nlw tp, %[y]\nlw s10, %[x]\nlw s0, %[x_right]\n"           \
                     "lw s1, %[x_next]\nlw t6, %[x_band]\nlw ra, %[columns]\n"                     \
                     "1: lw t0, %[bands]\nlw s11, %[w]\n" BIASES_4       XCV_LOOP(1, "t0", 38)     \
                         XCV_LOOP(0, "ra", 36) COLUMN(dot) "add s10, s10, t6\nnop\n"               \
                             STRETCH_RESULTS(U)                                                    \
                     "lw t0, %[y_pixel]\nlw t1, %[x_move]\nlw t2, %[left]\naddi gp, gp, -32\n"     \
                     "cv.sw a0, (tp), t0\ncv.sw a4, (tp), t0\ncv.sw s2, (tp), t0\n"                \
                     "cv.sw s6, (tp), t0\nadd s10, s10, t1\naddi t2, t2, -1\nsw t2, %[left]\n"     \
                     "bne t2, zero, 1b\n"                                                          \
                     : [left] "+m"(q->left)                                                        \
                     : [x] "m"(q->x), [w] "m"(q->w), [x_right] "m"(q->x_right),                    \
                       [x_next] "m"(q->x_next), [x_band] "m"(q->x_band), [x_move] "m"(q->x_move),  \
                       [columns] "m"(q->columns), [bands] "m"(q->bands),                           \
                       [entries] "m"(q->entries), [y] "m"(q->y), [y_pixel] "m"(q->y_pixel)         \
                     : BLOCK_REGISTERS)

/* Does `left` fours of pixels, 1 or more; their results begin at multiples of 4. `q` is a variable
   of the caller's frame, and used up. */
static inline __attribute__((always_inline)) void run_quads(struct quads *q, bool x_unsigned,
                                                            bool y_unsigned)
{
    if (x_unsigned && y_unsigned)
        QUADS_ASM("cv.sdotusp.b", 1);
    else if (x_unsigned)
        QUADS_ASM("cv.sdotusp.b", 0);
    else if (y_unsigned)
        QUADS_ASM("cv.sdotsp.b", 1);
    else
        QUADS_ASM("cv.sdotsp.b", 0);
}

#else

static inline void one_quad(const struct quads *q, const word *x, uint8_t *y, bool x_unsigned,
                            bool y_unsigned)
{
    const word *w = q->w;
    int32_t sums[BLOCK][BLOCK];

    for (unsigned i = 0; i < BLOCK; i++)
        for (unsigned c = 0; c < BLOCK; c++)
            sums[i][c] = q->entries[c].bias;
    for (uint32_t band = 0; band < q->bands; band++, x = ROW(x, 1, q->x_band)) {
        for (uint32_t column = 0; column < q->columns; column++, w += BLOCK) {
            for (unsigned i = 0; i < BLOCK; i++) {
                for (unsigned c = 0; c < BLOCK; c++)
                    sums[i][c] = dot4(x[c], w[c], sums[i][c], x_unsigned);
                x = ROW(x + BLOCK - 1, 1, i < BLOCK - 1 ? q->x_right : q->x_next);
            }
        }
    }
    for (unsigned i = 0; i < BLOCK; i++, y += q->y_pixel) {
        word bytes = 0;

        for (unsigned c = 0; c < BLOCK; c++)
            bytes |= (y_unsigned ? xheed_rq(0, sums[i][c], q->entries[c].rq, 0, 1)
                                 : xheed_rq(0, sums[i][c], q->entries[c].rq, 0, 0))
                     << 8 * c;
        *(word *)y = bytes;
    }
}

static inline void run_quads(struct quads *q, bool x_unsigned, bool y_unsigned)
{
    for (; q->left; q->left--) {
        one_quad(q, q->x, q->y, x_unsigned, y_unsigned);
        q->x = ROW(q->x, BLOCK, q->x_right + 12);
        q->y += BLOCK * q->y_pixel;
    }
}

#endif

/* Turns the weights of the plan's channels, for an output row whose first kernel row is number
   `shift` of the turned columns. Rows that a band lacks are zeros. */
static __attribute__((noinline)) void turn_weights(const struct plan *plan, word *to,
                                                   uint32_t shift)
{
    const struct heed_depthwise *job = plan->job;
    const int8_t *at = job->w + plan->channel;
    uint32_t row = 0u - shift;

    for (uint32_t band = 0; band < plan->bands; band++, to += job->kernel_width * BLOCK) {
        struct turn rows;

        for (unsigned i = 0; i < BLOCK; i++, row++) {
            bool there = row < job->kernel_height;

            rows.row[i] = there ? ROW(at, row * job->kernel_width, job->w_stride)
                                : (const int8_t *)(plan->fill + 1);
            rows.step[i] = there ? (int32_t)job->w_stride : 0;
        }
        turn(to, rows, job->kernel_width, plan->count, true);
    }
}

/* Turns `pixels` columns of x, with the kernel's rows from image row `top` on, from column `left`
   on; both may lie outside. */
static __attribute__((noinline)) void turn_columns(const struct plan *plan, const int8_t *image,
                                                   int32_t top, int32_t left, uint32_t pixels)
{
    const struct heed_depthwise *job = plan->job;
    uint32_t first = (uint32_t)clip(-left, 0, (int32_t)pixels);
    uint32_t end = (uint32_t)clip((int32_t)job->width - left, (int32_t)first, (int32_t)pixels);
    int32_t row = top;

    /* Columns `first` up to `end` lie inside the image. */
    image += (left + (int32_t)first) * (int32_t)job->x_pixel;
    for (uint32_t band = 0; band < plan->bands; band++) {
        word *columns = plan->x + band * plan->columns * BLOCK;
        struct turn rows;

        for (unsigned i = 0; i < BLOCK; i++, row += (int32_t)job->dilation_height) {
            bool there = (uint32_t)row < job->height;

            rows.row[i] = there ? image + row * (int32_t)job->x_row
                                : (const int8_t *)plan->fill;
            rows.step[i] = there ? (int32_t)job->x_pixel : 0;
        }
        for (uint32_t k = 0; k < first * BLOCK; k++)
            columns[k] = *plan->fill;
        if (first < end)
            turn(columns + first * BLOCK, rows, end - first, plan->count, plan->x_words);
        for (uint32_t k = end * BLOCK; k < pixels * BLOCK; k++)
            columns[k] = *plan->fill;
    }
}

/* Up to a tile's pixels of an output row, which begins at `y`; their columns are turned. */
static __attribute__((noinline)) void pixels_of_tile(const struct plan *plan, const word *w,
                                                     const struct heed_core_entry *entries,
                                                     uint8_t *y, uint32_t pixels)
{
    const struct heed_depthwise *job = plan->job;
    int32_t stride = 16 * (int32_t)job->stride_width, step = 16 * (int32_t)job->dilation_width;
    int32_t band = 16 * (int32_t)plan->columns;
    bool words = plan->y_words && plan->count == BLOCK;
    struct quads quads = {
        .x = plan->x,
        .w = w,
        .x_right = stride - 12,
        .x_next = step - 3 * stride - 12,
        .x_band = band - (int32_t)job->kernel_width * step,
        .x_move = 4 * stride - (int32_t)plan->bands * band,
        .columns = job->kernel_width,
        .bands = plan->bands,
        .entries = entries,
        .y = y,
        .y_pixel = job->y_pixel,
        .left = words ? pixels / BLOCK : 0,
    };
    uint32_t done = BLOCK * quads.left;
    word tile[BLOCK];

    if (done)
        run_quads(&quads, job->x_unsigned, job->y_unsigned);
    for (y += done * job->y_pixel; done < pixels; done += BLOCK) {
        quads.x = ROW(plan->x, done, stride);
        quads.y = (uint8_t *)tile;
        quads.y_pixel = 4;
        quads.left = 1;
        run_quads(&quads, job->x_unsigned, job->y_unsigned);
        for (uint32_t i = 0; i < BLOCK && done + i < pixels; i++, y += job->y_pixel) {
            if (words)
                *(word *)y = tile[i];
            else
                for (uint32_t c = 0; c < plan->count; c++)
                    y[c] = (uint8_t)(tile[i] >> 8 * c);
        }
    }
}

/* One or two output rows of a tile: `row` and, if it shares the turned columns, the next one. */
static void rows_of_tile(const struct plan *plan, const struct heed_core_entry *entries,
                         uint32_t image, uint32_t row, uint32_t first)
{
    const struct heed_depthwise *job = plan->job;
    uint32_t pixels = job->out_width - first < TILE ? job->out_width - first : TILE;
    uint8_t *y = (uint8_t *)job->y + image * job->y_image + row * job->y_row +
                 first * job->y_pixel + plan->channel;

    turn_columns(plan, (const int8_t *)job->x + image * job->x_image + plan->channel,
                 (int32_t)(row * job->stride_height - job->pad_top),
                 (int32_t)(first * job->stride_width - job->pad_left),
                 plan->columns - (TILE - pixels) * job->stride_width);
    pixels_of_tile(plan, plan->w, entries, y, pixels);
    if (plan->shift && row + 1 < job->out_height)
        pixels_of_tile(plan, plan->w + job->kernel_width * BLOCK, entries, y + job->y_row, pixels);
}

static inline bool in_words(const void *at, uint32_t image, uint32_t row, uint32_t pixel)
{
    return ((uintptr_t)at | image | row | pixel) % 4 == 0;
}

/* By how many of the kernel's rows the next output row is lower, if a band has room for both and
   one set of columns can serve them; else 0. */
static inline uint32_t shift_of(const struct heed_depthwise *job)
{
    uint32_t shift = job->stride_height / job->dilation_height;

    return job->stride_height % job->dilation_height == 0 && job->kernel_height + shift <= BLOCK
               ? shift
               : 0;
}

/* Items of work are four channels of a tile's pixels, in one output row or two. */
void heed_depthwise(const struct heed_depthwise *job, struct heed_team team)
{
    word *scratch = (word *)((int8_t *)job->scratch + team.index * job->scratch_stride);
    struct plan plan = {
        .job = job,
        .w = scratch + 2,
        .fill = scratch,
        .bands = (job->kernel_height + BLOCK - 1) / BLOCK,
        .columns =
            (TILE - 1) * job->stride_width + (job->kernel_width - 1) * job->dilation_width + 1,
        .shift = shift_of(job),
        .x_words = in_words(job->x, job->x_image, job->x_row, job->x_pixel),
        .y_words = in_words(job->y, job->y_image, job->y_row, job->y_pixel),
    };
    uint32_t rows = plan.shift ? 2 : 1, down = (job->out_height + rows - 1) / rows;
    uint32_t tiles = (job->out_width + TILE - 1) / TILE, items = job->images * down * tiles;
    struct share share = share_of(items * ((job->channels + BLOCK - 1) / BLOCK), team);
    uint32_t item = share.first % items;
    struct heed_core_entry entries[BLOCK];

    plan.x = plan.w + (plan.bands + 1) * job->kernel_width * BLOCK;
    scratch[0] = (uint8_t)job->pad_value * 0x01010101u;
    scratch[1] = 0;
    plan.channel = share.first / items * BLOCK;
    for (uint32_t left = share.end - share.first; left; plan.channel += BLOCK, item = 0) {
        uint32_t end = item + left < items ? item + left : items;

        left -= end - item;
        plan.count = job->channels - plan.channel < BLOCK ? job->channels - plan.channel : BLOCK;
        for (unsigned i = 0; i < BLOCK; i++)
            entries[i] = job->entries[plan.channel + (i < plan.count ? i : plan.count - 1)];
        turn_weights(&plan, plan.w, 0);
        if (plan.shift)
            turn_weights(&plan, plan.w + job->kernel_width * BLOCK, plan.shift);
        for (; item < end; item++) {
            uint32_t line = item / tiles;

            rows_of_tile(&plan, entries, line / down, line % down * rows, item % tiles * TILE);
        }
    }
}
