/* Convolution: the patches of four output pixels times the rows of W, in blocks of 4 x 4, with the
 * results pooled where they are written. */

#include "patches.h"
#include "stretch.h"

/* What a hart knows of its job. */
struct plan {
    const struct heed_conv2d *job;
    struct gather gather;
    uint32_t words;    /* of a patch */
    uint32_t channels; /* of the input, in a group */
    uint32_t outputs;  /* channels of the output, in a group */
    uint32_t blocks;   /* of four of them */
    bool y_words;      /* output pixels begin at multiples of 4 */
    bool in_place;     /* a patch is a row of words as it lies in x */
};

/* Writes some of a block's four columns, one by one, from a word for each of four pixels. */
static __attribute__((noinline)) void write_bytes(uint8_t *const *y, uint32_t channel,
                                                  uint32_t first, uint32_t end, const word *words,
                                                  bool pooled, bool is_unsigned)
{
    for (unsigned i = 0; i < BLOCK; i++) {
        uint8_t *to = y[i] + channel;

        for (uint32_t j = first; j < end; j++) {
            uint32_t value = words[i] >> 8 * j & 0xff;

            to[j] = (uint8_t)(pooled ? larger_bytes(value, to[j], is_unsigned) : value);
        }
    }
}

/* Some blocks of a group's output channels. */
struct columns {
    uint32_t base, outputs; /* the group's first output channel, and how many it has */
    uint32_t block, end;
};

/* Blocks whose results are no whole words of y, by way of a tile. The last block of a group reaches
   back into the one before it, but only what is new is written. */
static __attribute__((noinline)) void other_blocks(const struct plan *plan, const struct quad *quad,
                                                   struct rows x, struct columns part, bool pooled)
{
    const struct heed_conv2d *job = plan->job;
    struct stretch stretch = new_stretch(x.stride, job->w_stride, plan->words);
    word tile[BLOCK];

    stretch.x.at = x.at;
    stretch.blocks = 1;
    stretch.at = 0;
    for (unsigned i = 0; i < BLOCK; i++)
        stretch.y[i] = (uint8_t *)&tile[i];
    for (; part.block < part.end; part.block++) {
        uint32_t past = (part.block + 1) * BLOCK;
        uint32_t old = past > part.outputs ? past - part.outputs : 0;
        uint32_t channel = part.base + past - BLOCK - old;

        stretch.w.at = (const word *)ROW(job->w, channel, job->w_stride);
        stretch.entries = job->entries + channel;
        run_stretch(&stretch, false, job->x_unsigned, job->y_unsigned);
        write_bytes(quad->y, channel, old, BLOCK, tile, pooled, job->y_unsigned);
    }
}

/* The output channels of a group with fewer than four, one by one. */
static __attribute__((noinline)) void few_channels(const struct plan *plan,
                                                   const struct quad *quad, struct rows x,
                                                   struct columns part, bool pooled)
{
    const struct heed_conv2d *job = plan->job;
    bool x_unsigned = job->x_unsigned, y_unsigned = job->y_unsigned;

    for (uint32_t channel = part.base; channel < part.base + part.outputs; channel++) {
        const word *w = (const word *)ROW(job->w, channel, job->w_stride);
        struct heed_core_entry entry = job->entries[channel];
        word bytes[BLOCK];

        for (unsigned i = 0; i < BLOCK; i++) {
            int32_t sum = x_unsigned
                              ? row_sum(entry.bias, row_at(x, i), w, 4 * plan->words, true)
                              : row_sum(entry.bias, row_at(x, i), w, 4 * plan->words, false);

            bytes[i] = y_unsigned ? xheed_rq(0, sum, entry.rq, 0, 1)
                                  : xheed_rq(0, sum, entry.rq, 0, 0);
        }
        write_bytes(quad->y, channel, 0, 1, bytes, pooled, y_unsigned);
    }
}

/* Distance in bytes between patches if it is always the same and they are words of x, else 0. */
static int32_t spacing(const struct plan *plan, const struct quad *quad)
{
    const int8_t *first = quad->patches[0].at;
    intptr_t step = quad->patches[1].at - first;

    if (!plan->in_place || !quad->inside || step < 0)
        return 0;
    for (unsigned i = 2; i < BLOCK; i++)
        if (quad->patches[i].at != first + i * step)
            return 0;
    return (int32_t)step;
}

/* Some blocks of a group of four pixels: the results of the pooling windows one by one. */
static __attribute__((noinline)) void four_pixels(const struct plan *plan, const struct quad *quad,
                                                  uint32_t channel, struct columns part)
{
    const struct heed_conv2d *job = plan->job;
    int32_t step = spacing(plan, quad), down = 0;
    struct rows x = {(const word *)plan->gather.to, plan->gather.to_stride};
    bool pooled = false;

    if (step)
        x.stride = (uint32_t)step;

    /* Whole words of y are written by stretches, what is left by others. */
    struct stretch stretch = new_stretch(x.stride, job->w_stride, plan->words);
    uint32_t first = part.base + part.block * BLOCK;

    stretch.blocks = 0;
    if (plan->y_words && part.base % 4 == 0 && part.outputs >= BLOCK)
        stretch.blocks = part.end - part.block - (part.end * BLOCK > part.outputs);
    part.block += stretch.blocks;
    stretch.x.at = x.at;
    stretch.w.at = (const word *)ROW(job->w, first, job->w_stride);
    stretch.entries = job->entries + first;
    stretch.at = first;
    for (unsigned i = 0; i < BLOCK; i++)
        stretch.y[i] = quad->y[i];

    for (uint32_t i = 0; i < job->pool_height; i++) {
        int32_t across = 0;

        for (uint32_t j = 0; j < job->pool_width; j++) {
            if (step)
                x.at = (const word *)(quad->patches[0].at + channel + down * (int32_t)job->x_row +
                                      across * (int32_t)job->x_pixel);
            else
                gather(&plan->gather, quad, channel, down, across);
            if (stretch.blocks) {
                stretch.x.at = x.at;
                run_stretch(&stretch, pooled, job->x_unsigned, job->y_unsigned);
            }
            if (part.block < part.end && part.outputs < BLOCK)
                few_channels(plan, quad, x, part, pooled);
            else if (part.block < part.end)
                other_blocks(plan, quad, x, part, pooled);
            across += (int32_t)job->stride_width;
            pooled = true;
        }
        down += (int32_t)job->stride_height;
    }
}

/* Fills what gathering does not write: the last words of the buffer's rows, whose ends then hold
   zeros, and the pad values. */
static void prepare(const struct plan *plan, word *pad)
{
    word value = (uint8_t)plan->job->pad_value * 0x01010101u;

    for (uint32_t i = 1; i <= BLOCK; i++)
        *(word *)ROW(plan->gather.to - 4, i, plan->gather.to_stride) = 0;
    for (uint32_t left = plan->gather.columns * plan->channels + 3; left >= 4; left -= 4)
        *pad++ = value;
}

/* A copy of a job. Not an assignment, which would be a call that copies byte by byte. */
_Static_assert(sizeof(struct heed_conv2d) % 8 == 0, "two words at a time");
static inline struct heed_conv2d copy_of(const struct heed_conv2d *given)
{
    struct heed_conv2d job;
    const word *from = (const word *)given, *end = (const word *)(given + 1);

    for (word *to = (word *)&job; from < end; to += 2, from += 2) {
        word low = from[0], high = from[1];

        to[0] = low;
        to[1] = high;
        __asm__ volatile("" : : : "memory");
    }
    return job;
}

void heed_conv2d(const struct heed_conv2d *given, struct heed_team team)
{
    struct heed_conv2d job = copy_of(given);
    uint32_t channels = job.channels / job.groups, outputs = job.out_channels / job.groups;
    uint32_t row = job.kernel_width * channels, patch = job.kernel_height * row;
    uint32_t stride = (patch + 3) / 4 * 4;
    int8_t *scratch = (int8_t *)job.scratch + team.index * job.scratch_stride;
    struct plan plan = {
        .job = &job,
        .gather = gather_of(&job, scratch, stride),
        .words = stride / 4,
        .channels = channels,
        .outputs = outputs,
        .blocks = (outputs + BLOCK - 1) / BLOCK,
        .y_words = words_in_y(&job),
    };
    struct gather *gather = &plan.gather;

    gather->pad = scratch + BLOCK * stride;
    gather->piece = channels;
    gather->joined = gather->column_step == channels || job.kernel_width == 1;
    gather->unit = copy_unit((uintptr_t)job.x | job.x_image | job.x_row | job.x_pixel | channels);
    plan.in_place = gather->unit == 4 && job.kernel_height == 1 && gather->joined;
    prepare(&plan, (word *)(scratch + BLOCK * stride));

    uint32_t blocks = plan.blocks * job.groups;
    struct share share = share_of(quads(&job) * blocks, team);
    struct place place = place_of(&job, share.first / blocks * BLOCK);
    uint32_t group = share.first % blocks / plan.blocks;
    struct columns part = {group * outputs, outputs, share.first % plan.blocks, 0};
    struct quad quad;

    for (uint32_t left = share.end - share.first, fresh = 1; left; part.block = 0) {
        if (fresh)
            next_quad(&quad, &job, &place);
        part.end = part.block + left < plan.blocks ? part.block + left : plan.blocks;
        four_pixels(&plan, &quad, group * channels, part);
        left -= part.end - part.block;
        group = group + 1 < job.groups ? group + 1 : 0;
        part.base = group * outputs;
        fresh = group == 0;
    }
}
