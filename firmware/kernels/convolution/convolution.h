/* Convolutions and pooling over images with the channel last.
 *
 * An image is its first element and three distances in bytes: from an image to the next, from a row
 * to the next, from a pixel to the next. Distances and bases of x and y may be any; multiples of 4
 * are fastest. Numbers of pixels and channels are 1 or more. */
#ifndef HEED_CONVOLUTION_H
#define HEED_CONVOLUTION_H

#include "kernel.h"

/* Bytes of scratch that a hart of heed_conv2d needs: four patches of the input, and a row of pad
   values; `channels` are those of a group. */
static inline uint32_t heed_conv2d_scratch(uint32_t kernel_height, uint32_t kernel_width,
                                           uint32_t channels)
{
    return 4 * ((kernel_height * kernel_width * channels + 3) & ~3u) +
           ((kernel_width * channels + 3) & ~3u);
}

/* y = largest of each pool_height x pool_width results of a convolution of x, each requantised by
   the entry of its channel. out_height and out_width are those of y, after pooling. Output channels
   of a group see the input channels of that group; `groups` divides both numbers of channels.

   A row of w has the weights of an output channel: kernel rows, their pixels, the channels of a
   group. Its base and w_stride are multiples of 4; what follows a row up to the next one is read,
   but not used. Pixels outside the image, of which there are pad_top and pad_left before it and as
   many behind as the size of y asks for, hold pad_value. Each hart has its scratch_stride bytes of
   scratch, a multiple of 4 like its base. */
struct heed_conv2d {
    const void *x; /* int8, or uint8 when x_unsigned is not 0 */
    uint32_t x_image, x_row, x_pixel;
    const int8_t *w;
    uint32_t w_stride;
    void *y; /* int8, or uint8 when y_unsigned is not 0 */
    uint32_t y_image, y_row, y_pixel;
    const struct heed_core_entry *entries;
    void *scratch;
    uint32_t scratch_stride;
    uint32_t images, height, width, channels, out_height, out_width, out_channels, groups;
    uint32_t kernel_height, kernel_width, stride_height, stride_width;
    uint32_t dilation_height, dilation_width, pad_top, pad_left, pool_height, pool_width;
    int32_t pad_value;
    uint32_t x_unsigned, y_unsigned;
};
void heed_conv2d(const struct heed_conv2d *job, struct heed_team team);

/* Bytes of scratch that a hart of heed_depthwise needs, for four channels: weights, the columns of
   x that 16 output pixels see, and two words. */
static inline uint32_t heed_depthwise_scratch(uint32_t kernel_height, uint32_t kernel_width,
                                              uint32_t stride_width, uint32_t dilation_width)
{
    return 16 * ((kernel_height + 3) / 4 *
                     (kernel_width + 15 * stride_width + (kernel_width - 1) * dilation_width + 1) +
                 kernel_width) +
           8;
}

/* The same with every channel by itself and without pooling: y has the channels of x. A row of w
   has the weights of all channels for one pixel of the kernel. What follows it up to the next
   multiple of 4 is read, but not used; the same goes for pixels of x if all begin at multiples of
   4. */
struct heed_depthwise {
    const void *x; /* int8, or uint8 when x_unsigned is not 0 */
    uint32_t x_image, x_row, x_pixel;
    const int8_t *w;
    uint32_t w_stride;
    void *y; /* int8, or uint8 when y_unsigned is not 0 */
    uint32_t y_image, y_row, y_pixel;
    const struct heed_core_entry *entries;
    void *scratch;
    uint32_t scratch_stride;
    uint32_t images, height, width, channels, out_height, out_width;
    uint32_t kernel_height, kernel_width, stride_height, stride_width;
    uint32_t dilation_height, dilation_width, pad_top, pad_left;
    int32_t pad_value;
    uint32_t x_unsigned, y_unsigned;
};
void heed_depthwise(const struct heed_depthwise *job, struct heed_team team);

/* y = largest value of each window of x; what lies outside the image does not count, but no window
   lies outside altogether. */
struct heed_max_pool {
    const void *x; /* int8, or uint8 when x_unsigned is not 0 */
    uint32_t x_image, x_row, x_pixel;
    void *y; /* of the same type */
    uint32_t y_image, y_row, y_pixel;
    uint32_t images, height, width, channels, out_height, out_width;
    uint32_t window_height, window_width, stride_height, stride_width, pad_top, pad_left;
    uint32_t x_unsigned;
};
void heed_max_pool(const struct heed_max_pool *job, struct heed_team team);

/* y = sum of each window of x, requantised, one entry; pixels outside the image hold pad_value. */
struct heed_average_pool {
    const void *x; /* int8, or uint8 when x_unsigned is not 0 */
    uint32_t x_image, x_row, x_pixel;
    void *y; /* int8, or uint8 when y_unsigned is not 0 */
    uint32_t y_image, y_row, y_pixel;
    const struct heed_core_entry *entry;
    uint32_t images, height, width, channels, out_height, out_width;
    uint32_t window_height, window_width, stride_height, stride_width, pad_top, pad_left;
    int32_t pad_value;
    uint32_t x_unsigned, y_unsigned;
};
void heed_average_pool(const struct heed_average_pool *job, struct heed_team team);

#endif
