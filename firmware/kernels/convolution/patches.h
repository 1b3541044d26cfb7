/* Patches, the parts of the input that output pixels see: where they lie, and how four of them are
 * gathered into the rows of a buffer, from where they are multiplied. */
#ifndef HEED_PATCHES_H
#define HEED_PATCHES_H

#include "arithmetic.h"
#include "convolution/convolution.h"
#include "pieces.h"

/* A patch: its first pixel, also where padding puts that outside the image. */
struct patch {
    const int8_t *at;
    int32_t top, left; /* its row and column in the image */
};

/* Four output pixels: the patches of the first results of their pooling windows. */
struct quad {
    struct patch patches[BLOCK];
    uint8_t *y[BLOCK];
    bool inside;  /* all patches of the windows lie inside the image */
    bool between; /* no padding is on their left or right */
};

/* What is common to all patches of a job. A piece is what lies together in memory: the wanted
   channels of a pixel, or a whole row of the kernel if pixels have no others. */
struct gather {
    int8_t *to;                     /* the buffer: a row a patch */
    uint32_t to_stride;             /* of its rows */
    const int8_t *pad;              /* pad values for the longest piece */
    uint32_t piece;                 /* bytes of a pixel */
    uint32_t unit;                  /* bytes to copy at a time: 1, 2 or 4 */
    bool joined;                    /* a row of the kernel is one piece */
    uint32_t rows, columns;         /* of the kernel */
    uint32_t row_step, column_step; /* bytes from one weight's pixel to the next */
    int32_t row_skip, column_skip;  /* the same in rows and columns of the image */
    int32_t height, width;          /* of the image */
    int32_t x_row, x_pixel;         /* bytes from a row, a pixel of it to the next */
};

/* Gathers joined patches that lie inside the image; `shift` is in bytes. */
static inline __attribute__((always_inline)) void gather_joined(const struct gather *g,
                                                                const struct patch patches[BLOCK],
                                                                int32_t shift, unsigned unit)
{
    struct copy copy = {.to = g->to, .stride = g->to_stride};
    uint32_t bytes = g->columns * g->piece;

    for (unsigned i = 0; i < BLOCK; i++)
        copy.from[i] = patches[i].at + shift;
    copy_pieces(&copy, g->rows, bytes, (int32_t)(g->row_step - bytes), unit);
}

/* Gathers any patches that lie inside the image. */
static inline __attribute__((always_inline)) void gather_inside(const struct gather *g,
                                                                const struct patch patches[BLOCK],
                                                                int32_t shift, unsigned unit)
{
    struct copy copy = {.to = g->to, .stride = g->to_stride};
    int32_t skip = (int32_t)(g->column_step - g->piece);
    int32_t back = (int32_t)(g->row_step - g->columns * g->column_step);

    for (unsigned i = 0; i < BLOCK; i++)
        copy.from[i] = patches[i].at + shift;
    for (uint32_t rows = g->rows; rows; rows--) {
        copy_pieces(&copy, g->columns, g->piece, skip, unit);
        for (unsigned i = 0; i < BLOCK; i++)
            copy.from[i] += back;
    }
}

/* Gathers any patches, by rows of the kernel or by pixels. */
static inline __attribute__((always_inline)) void
gather_padded(const struct gather *g, const struct quad *quad, int32_t shift, int32_t down,
              int32_t across, unsigned unit)
{
    const struct patch *patches = quad->patches;
    bool joined = g->joined && quad->between;
    struct copy copy = {.to = g->to, .stride = g->to_stride};

    for (uint32_t row = 0; row < g->rows; row++, down += g->row_skip) {
        const int8_t *first[BLOCK];
        int32_t right = across;

        for (unsigned i = 0; i < BLOCK; i++)
            first[i] = (uint32_t)(patches[i].top + down) < (uint32_t)g->height
                           ? ROW(patches[i].at + shift, row, g->row_step)
                           : 0;
        if (joined) {
            for (unsigned i = 0; i < BLOCK; i++)
                copy.from[i] = first[i] ? first[i] : g->pad;
            copy_pieces(&copy, 1, g->columns * g->piece, 0, unit);
            continue;
        }
        for (uint32_t column = 0; column < g->columns; column++, right += g->column_skip) {
            for (unsigned i = 0; i < BLOCK; i++) {
                bool inside = first[i] && (uint32_t)(patches[i].left + right) < (uint32_t)g->width;

                copy.from[i] = inside ? ROW(first[i], column, g->column_step) : g->pad;
            }
            copy_pieces(&copy, 1, g->piece, 0, unit);
        }
    }
}

static __attribute__((noinline)) void gather_others(const struct gather *g,
                                                    const struct quad *quad, int32_t shift,
                                                    int32_t down, int32_t across)
{
    if (!quad->inside && g->unit == 4)
        gather_padded(g, quad, shift, down, across, 4);
    else if (!quad->inside)
        gather_padded(g, quad, shift, down, across, 1);
    else if (g->unit == 4)
        gather_inside(g, quad->patches, shift, 4);
    else
        gather_inside(g, quad->patches, shift, 1);
}

/* Gathers the patches that lie `down` rows and `across` columns from those of a quad, and of their
   pixels the wanted channels from `channel` on. */
static inline __attribute__((always_inline)) void gather(const struct gather *g,
                                                         const struct quad *quad, uint32_t channel,
                                                         int32_t down, int32_t across)
{
    int32_t shift = (int32_t)channel + down * g->x_row + across * g->x_pixel;

    if (!quad->inside || !g->joined)
        gather_others(g, quad, shift, down, across);
    else if (g->unit == 4)
        gather_joined(g, quad->patches, shift, 4);
    else if (g->unit == 2)
        gather_joined(g, quad->patches, shift, 2);
    else
        gather_joined(g, quad->patches, shift, 1);
}

/* Most bytes that can be copied at a time when all of `bits`' addresses and sizes have to be
   multiples of it. */
static inline uint32_t copy_unit(uintptr_t bits)
{
    return bits % 4 == 0 ? 4 : bits % 2 == 0 ? 2 : 1;
}

static inline struct gather gather_of(const struct heed_conv2d *job, int8_t *to,
                                      uint32_t to_stride)
{
    return (struct gather){
        .to = to,
        .to_stride = to_stride,
        .rows = job->kernel_height,
        .columns = job->kernel_width,
        .row_step = job->dilation_height * job->x_row,
        .column_step = job->dilation_width * job->x_pixel,
        .row_skip = (int32_t)job->dilation_height,
        .column_skip = (int32_t)job->dilation_width,
        .height = (int32_t)job->height,
        .width = (int32_t)job->width,
        .x_row = (int32_t)job->x_row,
        .x_pixel = (int32_t)job->x_pixel,
    };
}

/* Which output pixel comes next. */
struct place {
    uint32_t image, row, column;
    struct patch patch;
    uint8_t *y;
};

static __attribute__((noinline)) void find_patch(struct place *place,
                                                 const struct heed_conv2d *job)
{
    int32_t top = (int32_t)(place->row * job->stride_height * job->pool_height - job->pad_top);
    int32_t left = (int32_t)(place->column * job->stride_width * job->pool_width - job->pad_left);

    place->patch.top = top;
    place->patch.left = left;
    place->patch.at = (const int8_t *)job->x + place->image * job->x_image;
    place->patch.at += top * (int32_t)job->x_row + left * (int32_t)job->x_pixel;
    place->y = (uint8_t *)job->y + place->image * job->y_image + place->row * job->y_row +
               place->column * job->y_pixel;
}

static inline struct place place_of(const struct heed_conv2d *job, uint32_t pixel)
{
    uint32_t line = pixel / job->out_width;
    struct place place = {line / job->out_height, line % job->out_height, pixel % job->out_width,
                          {0, 0, 0}, 0};

    find_patch(&place, job);
    return place;
}

/* On to the next line, if there is one. */
static inline void next_line(struct place *place, const struct heed_conv2d *job)
{
    if (place->row + 1 < job->out_height)
        place->row++;
    else if (place->image + 1 < job->images)
        place->image++, place->row = 0;
    else
        return;
    place->column = 0;
    find_patch(place, job);
}

/* The next four pixels; behind the last one that one again, so that there are always four. */
static inline void next_quad(struct quad *quad, const struct heed_conv2d *job, struct place *place)
{
    int32_t across = (int32_t)(job->stride_width * job->pool_width);
    int32_t most_top = (int32_t)(job->height - 1 - (job->pool_height - 1) * job->stride_height -
                                 (job->kernel_height - 1) * job->dilation_height);
    int32_t most_left = (int32_t)(job->width - 1 - (job->pool_width - 1) * job->stride_width -
                                  (job->kernel_width - 1) * job->dilation_width);
    bool beside = false, above = false;

    for (unsigned i = 0; i < BLOCK; i++) {
        struct patch *patch = &quad->patches[i];

        patch->at = place->patch.at;
        patch->top = place->patch.top;
        patch->left = place->patch.left;
        quad->y[i] = place->y;
        above |= patch->top < 0 || patch->top > most_top;
        beside |= patch->left < 0 || patch->left > most_left;
        if (++place->column < job->out_width) {
            place->patch.at += across * (int32_t)job->x_pixel;
            place->patch.left += across;
            place->y += job->y_pixel;
        } else {
            place->column--;
            next_line(place, job);
        }
    }
    quad->inside = !above && !beside;
    quad->between = !beside;
}

/* Number of groups of four output pixels. */
static inline uint32_t quads(const struct heed_conv2d *job)
{
    return (job->images * job->out_height * job->out_width + BLOCK - 1) / BLOCK;
}

/* Whether all output pixels begin at multiples of 4. */
static inline bool words_in_y(const struct heed_conv2d *job)
{
    return ((uintptr_t)job->y | job->y_image | job->y_row | job->y_pixel) % 4 == 0;
}

#endif
