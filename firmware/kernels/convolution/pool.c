/* Pooling: the largest value of windows, or their sum, requantised. */

#include <stdbool.h>

#include "arithmetic.h"
#include "convolution/convolution.h"
#include "heed/xcv.h"
#include "heed/xheed.h"
#include "matrix/block.h"

/* Channels of an output pixel that are an item of work. */
#define MAX_TILE 16
#define AVERAGE_TILE 4

/* What both kinds of pooling share of their jobs. */
struct pool {
    const int8_t *x;
    uint32_t x_image, x_row, x_pixel;
    int8_t *y;
    uint32_t y_image, y_row, y_pixel;
    uint32_t images, height, width, channels, out_height, out_width;
    uint32_t window_height, window_width, stride_height, stride_width, pad_top, pad_left;
    uint32_t tile; /* channels of an item */
    bool words;    /* pixels of x and y begin at multiples of 4 */
};

#define POOL(job, tile_)                                                                           \
    {                                                                                              \
        .x = (job)->x, .x_image = (job)->x_image, .x_row = (job)->x_row,                           \
        .x_pixel = (job)->x_pixel, .y = (job)->y, .y_image = (job)->y_image,                       \
        .y_row = (job)->y_row, .y_pixel = (job)->y_pixel, .images = (job)->images,                 \
        .height = (job)->height, .width = (job)->width, .channels = (job)->channels,               \
        .out_height = (job)->out_height, .out_width = (job)->out_width,                            \
        .window_height = (job)->window_height, .window_width = (job)->window_width,                \
        .stride_height = (job)->stride_height, .stride_width = (job)->stride_width,                \
        .pad_top = (job)->pad_top, .pad_left = (job)->pad_left,                                    \
        .tile = tile_,                                                                             \
        .words = (((uintptr_t)(job)->x | (job)->x_image | (job)->x_row | (job)->x_pixel |          \
                   (uintptr_t)(job)->y | (job)->y_image | (job)->y_row | (job)->y_pixel) %         \
                  4) == 0,                                                                         \
    }

/* A hart's place in its work, an output pixel and some of its channels, and what of the pixel's
   window lies inside the image. */
struct walk {
    uint32_t image, row, column, tile;
    uint32_t tiles, left; /* of a pixel; to do, this one included */
    const int8_t *x;      /* the window's first pixel */
    int8_t *y;
    uint32_t rows, columns;
};

/* The part of a window that lies inside: its first row or column there, and the end. */
static inline struct share inside(uint32_t start, uint32_t pad, uint32_t window, uint32_t size)
{
    int32_t most = (int32_t)window, first = clip((int32_t)(pad - start), 0, most);

    return (struct share){(uint32_t)first,
                          (uint32_t)clip((int32_t)(size + pad - start), first, most)};
}

static __attribute__((noinline)) void find_window(const struct pool *pool, struct walk *walk)
{
    uint32_t top = walk->row * pool->stride_height, left = walk->column * pool->stride_width;
    struct share down = inside(top, pool->pad_top, pool->window_height, pool->height);
    struct share across = inside(left, pool->pad_left, pool->window_width, pool->width);

    walk->x = pool->x + walk->image * pool->x_image +
              (top + down.first - pool->pad_top) * pool->x_row +
              (left + across.first - pool->pad_left) * pool->x_pixel;
    walk->y = pool->y + walk->image * pool->y_image + walk->row * pool->y_row +
              walk->column * pool->y_pixel;
    walk->rows = down.end - down.first;
    walk->columns = across.end - across.first;
}

/* Where a hart begins. */
static struct walk begin(const struct pool *pool, struct heed_team team)
{
    uint32_t tiles = (pool->channels + pool->tile - 1) / pool->tile;
    uint32_t pixels = pool->images * pool->out_height * pool->out_width;
    struct share share = share_of(pixels * tiles, team);
    uint32_t pixel = share.first / tiles, line = pixel / pool->out_width;
    struct walk walk = {
        .image = line / pool->out_height,
        .row = line % pool->out_height,
        .column = pixel % pool->out_width,
        .tile = share.first % tiles,
        .tiles = tiles,
        .left = share.end - share.first,
    };

    if (walk.left)
        find_window(pool, &walk);
    return walk;
}

/* On to what comes next. */
static inline void next(const struct pool *pool, struct walk *walk)
{
    if (--walk->left == 0 || ++walk->tile < walk->tiles)
        return;
    walk->tile = 0;
    if (++walk->column == pool->out_width) {
        walk->column = 0;
        if (++walk->row == pool->out_height) {
            walk->row = 0;
            walk->image++;
        }
    }
    find_window(pool, walk);
}

/* Some channels of an output pixel. */
struct window {
    const int8_t *x; /* its first pixel inside the image */
    int8_t *y;
    uint32_t rows, columns, channels;
};

static inline struct window window_of(const struct pool *pool, const struct walk *walk)
{
    uint32_t first = walk->tile * pool->tile, channels = pool->channels - first;

    return (struct window){walk->x + first, walk->y + first, walk->rows, walk->columns,
                           channels < pool->tile ? channels : pool->tile};
}

static inline __attribute__((always_inline)) uint32_t larger(uint32_t a, uint32_t b,
                                                             bool is_unsigned)
{
    return is_unsigned ? xcv_maxu_b(a, b) : xcv_max_b(a, b);
}

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP

#define LARGEST_ASM(max)                                                                           \
    __asm__ volatile(XCV_LOOP(0, "%[n]", 8)                                                        \
                     "lw %[a], 4(%[x])\nlw %[b], 8(%[x])\nlw %[c], 12(%[x])\n"                     \
                     "cv.lw %[d], (%[x]), %[step]\n" max " %[m1], %[m1], %[a]\n" max               \
                     " %[m2], %[m2], %[b]\n" max " %[m3], %[m3], %[c]\n" max                       \
                     " %[m0], %[m0], %[d]\n"                                                       \
                     : [x] "+r"(x), [m0] "+r"(most[0]), [m1] "+r"(most[1]), [m2] "+r"(most[2]),    \
                       [m3] "+r"(most[3]), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d)  \
                     : [n] "r"(pixels), [step] "r"(step)                                           \
                     : "memory")

/* The larger ones of `most` and four words of each of some pixels, 1 or more. */
static inline __attribute__((always_inline)) const word *
larger_pixels(uint32_t most[4], const word *x, uint32_t pixels, uint32_t step, bool is_unsigned)
{
    uint32_t a, b, c, d;

    if (is_unsigned)
        LARGEST_ASM("cv.maxu.b");
    else
        LARGEST_ASM("cv.max.b");
    return x;
}

#define ADD_ASM(dot)                                                                               \
    __asm__ volatile(XCV_LOOP(0, "%[n]", 5)                                                        \
                     "cv.lw %[a], (%[x]), %[step]\n" dot " %[s0], %[a], %[one0]\n" dot             \
                     " %[s1], %[a], %[one1]\n" dot " %[s2], %[a], %[one2]\n" dot                   \
                     " %[s3], %[a], %[one3]\n"                                                     \
                     : [x] "+r"(x), [s0] "+r"(sums[0]), [s1] "+r"(sums[1]), [s2] "+r"(sums[2]),    \
                       [s3] "+r"(sums[3]), [a] "=&r"(a)                                            \
                     : [n] "r"(pixels), [step] "r"(step), [one0] "r"(1), [one1] "r"(1 << 8),       \
                       [one2] "r"(1 << 16), [one3] "r"(1 << 24)                                    \
                     : "memory")

/* Adds a word of each of some pixels, 1 or more, to four sums. A dot product with one lane 1 and
   the others 0 adds a byte. */
static inline __attribute__((always_inline)) const word *
add_pixels(int32_t sums[4], const word *x, uint32_t pixels, uint32_t step, bool x_unsigned)
{
    uint32_t a;

    if (x_unsigned)
        ADD_ASM("cv.sdotusp.b");
    else
        ADD_ASM("cv.sdotsp.b");
    return x;
}

#else

static inline const word *larger_pixels(uint32_t most[4], const word *x, uint32_t pixels,
                                        uint32_t step, bool is_unsigned)
{
    for (; pixels; pixels--, x = ROW(x, 1, step))
        for (unsigned k = 0; k < 4; k++)
            most[k] = larger(most[k], x[k], is_unsigned);
    return x;
}

static inline const word *add_pixels(int32_t sums[4], const word *x, uint32_t pixels, uint32_t step,
                                     bool x_unsigned)
{
    for (; pixels; pixels--, x = ROW(x, 1, step))
        for (unsigned k = 0; k < 4; k++)
            sums[k] = dot4(*x, 1u << 8 * k, sums[k], x_unsigned);
    return x;
}

#endif

/* The largest values of an item. */
static inline __attribute__((always_inline)) void largest(const struct pool *pool,
                                                          const struct window *window,
                                                          bool is_unsigned)
{
    int32_t behind_row = (int32_t)(pool->x_row - window->columns * pool->x_pixel);
    uint32_t channel = 0;

    if (pool->words && window->channels == MAX_TILE) {
        const word *x = (const word *)window->x;
        word *y = (word *)window->y;
        uint32_t most[4];

        for (unsigned k = 0; k < 4; k++)
            most[k] = x[k];
        for (uint32_t rows = window->rows; rows; rows--, x = ROW(x, 1, behind_row))
            x = larger_pixels(most, x, window->columns, pool->x_pixel, is_unsigned);
        for (unsigned k = 0; k < 4; k++)
            y[k] = most[k];
        return;
    }
    if (pool->words)
        for (; channel + 4 <= window->channels; channel += 4) {
            const int8_t *x = window->x + channel;
            uint32_t most = *(const word *)x;

            for (uint32_t rows = window->rows; rows; rows--, x += behind_row)
                for (uint32_t left = window->columns; left; left--, x += pool->x_pixel)
                    most = larger(most, *(const word *)x, is_unsigned);
            *(word *)(window->y + channel) = most;
        }
    for (; channel < window->channels; channel++) {
        const int8_t *x = window->x + channel;
        int32_t most = is_unsigned ? (uint8_t)*x : *x;

        for (uint32_t rows = window->rows; rows; rows--, x += behind_row)
            for (uint32_t left = window->columns; left; left--, x += pool->x_pixel) {
                int32_t value = is_unsigned ? (uint8_t)*x : *x;

                most = most < value ? value : most;
            }
        window->y[channel] = (int8_t)most;
    }
}

void heed_max_pool(const struct heed_max_pool *job, struct heed_team team)
{
    struct pool pool = POOL(job, MAX_TILE);
    bool is_unsigned = job->x_unsigned;

    for (struct walk walk = begin(&pool, team); walk.left; next(&pool, &walk)) {
        struct window window = window_of(&pool, &walk);

        if (is_unsigned)
            largest(&pool, &window, true);
        else
            largest(&pool, &window, false);
    }
}

static inline int8_t average(int32_t sum, uint32_t rq, bool y_unsigned)
{
    return (int8_t)(y_unsigned ? xheed_rq(0, sum, rq, 0, 1) : xheed_rq(0, sum, rq, 0, 0));
}

/* The averages of an item; `sum` is what sums start at. */
static inline __attribute__((always_inline)) void averages(const struct pool *pool,
                                                           const struct window *window, int32_t sum,
                                                           uint32_t rq, bool x_unsigned,
                                                           bool y_unsigned)
{
    int32_t behind_row = (int32_t)(pool->x_row - window->columns * pool->x_pixel);
    uint32_t channel = 0;

    if (pool->words && window->channels == AVERAGE_TILE) {
        const word *x = (const word *)window->x;
        int32_t sums[4] = {sum, sum, sum, sum};
        uint32_t bytes = 0;

        if (window->columns)
            for (uint32_t rows = window->rows; rows; rows--, x = ROW(x, 1, behind_row))
                x = add_pixels(sums, x, window->columns, pool->x_pixel, x_unsigned);
        for (unsigned k = 0; k < 4; k++)
            bytes |= (uint32_t)(uint8_t)average(sums[k], rq, y_unsigned) << 8 * k;
        *(word *)window->y = bytes;
        return;
    }
    for (; channel < window->channels; channel++) {
        const int8_t *x = window->x + channel;
        int32_t total = sum;

        for (uint32_t rows = window->rows; rows; rows--, x += behind_row)
            for (uint32_t left = window->columns; left; left--, x += pool->x_pixel)
                total += x_unsigned ? (uint8_t)*x : *x;
        window->y[channel] = average(total, rq, y_unsigned);
    }
}

void heed_average_pool(const struct heed_average_pool *job, struct heed_team team)
{
    struct pool pool = POOL(job, AVERAGE_TILE);
    uint32_t size = pool.window_height * pool.window_width;
    int32_t pad_value = job->pad_value;
    bool x_unsigned = job->x_unsigned, y_unsigned = job->y_unsigned;
    struct heed_core_entry entry = *job->entry;

    for (struct walk walk = begin(&pool, team); walk.left; next(&pool, &walk)) {
        struct window window = window_of(&pool, &walk);
        uint32_t padded = size - window.rows * window.columns;
        int32_t sum = entry.bias + (int32_t)padded * pad_value;

        if (x_unsigned)
            averages(&pool, &window, sum, entry.rq, true, y_unsigned);
        else
            averages(&pool, &window, sum, entry.rq, false, y_unsigned);
    }
}
