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
    bool inside; /* all patches of the windows lie inside the image */
};

/* What is common to all patches of a job. A piece is what lies together in memory: the wanted
   channels of a pixel, or a whole row of the kernel if pixels have no others. */
struct gather {
    int8_t *to; /* the buffer: a row a patch */
    uint32_t to_stride;
    const int8_t *pad; /* pad values, as many as the longest piece has */
    uint32_t piece;    /* bytes of a pixel */
    uint32_t to_piece; /* distance of pixels in the buffer */
    uint32_t unit;     /* bytes to copy at a time: 1, 2 or 4 */
    bool joined;       /* a row of the kernel is one piece */
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
    copy_pieces(&copy, g->rows, bytes, (int32_t)(g->row_step - bytes), 0, unit);
}

/* Gathers any patches that lie inside the image. */
static inline __attribute__((always_inline)) void gather_inside(const struct gather *g,
                                                                const struct patch patches[BLOCK],
                                                                int32_t shift, unsigned unit)
{
    struct copy copy = {.to = g->to, .stride = g->to_stride};
    int32_t skip = (int32_t)(g->column_step - g->piece);
    int32_t to_skip = (int32_t)(g->to_piece - g->piece);
    int32_t back = (int32_t)(g->row_step - g->columns * g->column_step);

    for (unsigned i = 0; i < BLOCK; i++)
        copy.from[i] = patches[i].at + shift;
    for (uint32_t rows = g->rows; rows; rows--) {
        copy_pieces(&copy, g->columns, g->piece, skip, to_skip, unit);
        for (unsigned i = 0; i < BLOCK; i++)
            copy.from[i] += back;
    }
}

/* Gathers any patches, pixel by pixel. */
static inline __attribute__((always_inline)) void
gather_padded(const struct gather *g, const struct patch patches[BLOCK], int32_t shift,
              int32_t down, int32_t across, unsigned unit)
{
    struct copy copy = {.to = g->to, .stride = g->to_stride};
    int32_t to_skip = (int32_t)(g->to_piece - g->piece);

    for (uint32_t row = 0; row < g->rows; row++, down += g->row_skip) {
        const int8_t *first[BLOCK];
        int32_t right = across;

        for (unsigned i = 0; i < BLOCK; i++)
            first[i] = (uint32_t)(patches[i].top + down) < (uint32_t)g->height
                           ? ROW(patches[i].at + shift, row, g->row_step)
                           : 0;
        for (uint32_t column = 0; column < g->columns; column++, right += g->column_skip) {
            for (unsigned i = 0; i < BLOCK; i++) {
                bool inside = first[i] && (uint32_t)(patches[i].left + right) < (uint32_t)g->width;

                copy.from[i] = inside ? ROW(first[i], column, g->column_step) : g->pad;
            }
            copy_pieces(&copy, 1, g->piece, 0, to_skip, unit);
        }
    }
}

static __attribute__((noinline)) void gather_others(const struct gather *g,
                                                    const struct quad *quad, int32_t shift,
                                                    int32_t down, int32_t across)
{
    if (!quad->inside && g->unit == 4)
        gather_padded(g, quad->patches, shift, down, across, 4);
    else if (!quad->inside)
        gather_padded(g, quad->patches, shift, down, across, 1);
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
};

static inline struct place place_of(const struct heed_conv2d *job, uint32_t pixel)
{
    uint32_t line = pixel / job->out_width;

    return (struct place){line / job->out_height, line % job->out_height, pixel % job->out_width};
}

/* The next four pixels; behind the last one that one again, so that there are always four. */
static inline void next_quad(struct quad *quad, const struct heed_conv2d *job, struct place *place)
{
    int32_t down = (int32_t)(job->stride_height * job->pool_height);
    int32_t across = (int32_t)(job->stride_width * job->pool_width);
    int32_t most_top = (int32_t)(job->height - 1 - (job->pool_height - 1) * job->stride_height -
                                 (job->kernel_height - 1) * job->dilation_height);
    int32_t most_left = (int32_t)(job->width - 1 - (job->pool_width - 1) * job->stride_width -
                                  (job->kernel_width - 1) * job->dilation_width);
    struct place next = *place;

    quad->inside = true;
    for (unsigned i = 0; i < BLOCK; i++) {
        int32_t top = (int32_t)next.row * down - (int32_t)job->pad_top;
        int32_t left = (int32_t)next.column * across - (int32_t)job->pad_left;

        quad->patches[i].top = top;
        quad->patches[i].left = left;
        quad->patches[i].at = (const int8_t *)job->x + next.image * job->x_image;
        quad->patches[i].at += top * (int32_t)job->x_row + left * (int32_t)job->x_pixel;
        quad->y[i] = (uint8_t *)job->y + next.image * job->y_image + next.row * job->y_row +
                     next.column * job->y_pixel;
        quad->inside &= top >= 0 && top <= most_top && left >= 0 && left <= most_left;
        if (next.column + 1 < job->out_width)
            next.column++;
        else if (next.row + 1 < job->out_height)
            next.row++, next.column = 0;
        else if (next.image + 1 < job->images)
            next.image++, next.row = next.column = 0;
    }
    *place = next;
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
