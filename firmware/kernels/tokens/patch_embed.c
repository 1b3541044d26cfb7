/* Patch embedding: an image becomes a sequence of tokens. */

#include "arithmetic.h"
#include "heed/xcv.h"
#include "tokens/tokens.h"

#include <stdbool.h>

enum {
    WORDS = 64 /* room for gathered patches */
};

/* Dot product of a patch, `patch` rows of an image, with one channel's weights. */
static int32_t dot_patch(const int8_t *image, uint32_t stride, const int8_t *weight, uint32_t patch)
{
    int32_t sum = 0;

    for (uint32_t row = 0; row < patch; row++) {
        for (uint32_t column = 0; column < patch; column++)
            sum += image[column] * *weight++;
        image = ROW(image, 1, stride);
    }
    return sum;
}

/* The same of a gathered patch. */
static inline int32_t dot_words(const word *x, const word *weight, uint32_t words)
{
    uint32_t sum = 0;

    do
        sum = xcv_sdotsp_b(*x++, *weight++, sum);
    while (--words);
    return (int32_t)sum;
}

/* The first pixel of a token's patch. */
static const int8_t *corner(const struct heed_patch_embed *job, uint32_t token)
{
    uint32_t across = job->width / job->patch;

    return ROW(job->image, token / across * job->patch, job->image_stride) +
           token % across * job->patch;
}

/* Makes a row of weights' order out of a patch, zeros behind it. */
static void gather(word *to, uint32_t words, const int8_t *from, uint32_t stride, uint32_t patch)
{
    int8_t *at = (int8_t *)to;

    to[words - 1] = 0;
    for (uint32_t row = 0; row < patch; row++) {
        for (uint32_t column = 0; column < patch; column++)
            *at++ = from[column];
        from = ROW(from, 1, stride);
    }
}

/* sum * mul + position * factor + add, modulo 2^64; a `narrow` factor fits 32 bits, which saves
   multiplications. */
static inline int16_t join(int32_t sum, int32_t position, struct entry entry, uint64_t factor,
                           bool narrow)
{
    int64_t residual = narrow ? product(position, opaque((int32_t)factor))
                              : (int64_t)((uint64_t)(int64_t)position * factor);

    return clip16(shift_right(product(sum, entry.mul) + residual + entry.add, entry.shift));
}

/* One channel of tokens from number `token` on. Without gathered patches there is one token. */
static inline __attribute__((always_inline)) void
channel(const struct heed_patch_embed *job, uint32_t c, uint32_t token, uint32_t tokens,
        const word *patches, uint32_t words, struct entry entry, uint64_t factor, bool narrow)
{
    const int8_t *weight = ROW(job->weight, c, job->weight_stride);
    uint32_t position_stride = job->position_stride, y_stride = job->y_stride;
    const int16_t *position = ROW(job->position, token, position_stride) + c;
    int16_t *y = ROW(job->y, token, y_stride) + c;

    if (!patches) {
        int32_t sum = dot_patch(corner(job, token), job->image_stride, weight, job->patch);

        *y = join(sum, *position, entry, factor, narrow);
        return;
    }
    for (; tokens--; patches += words) {
        int32_t sum = dot_words(patches, (const word *)weight, words);

        *y = join(sum, *position, entry, factor, narrow);
        y = ROW(y, 1, y_stride);
        position = ROW(position, 1, position_stride);
    }
}

static __attribute__((noinline)) void any_channel(const struct heed_patch_embed *job, uint32_t c,
                                                  uint32_t token, uint32_t tokens,
                                                  const word *patches, uint32_t words)
{
    struct entry entry = unpack(&job->entries[c]);
    uint64_t factor = (uint64_t)(int64_t)entry.rmul << entry.rsh;

    if ((int64_t)factor == (int32_t)factor)
        channel(job, c, token, tokens, patches, words, entry, factor, true);
    else
        channel(job, c, token, tokens, patches, words, entry, factor, false);
}

void heed_patch_embed(const struct heed_patch_embed *given, struct heed_team team)
{
    struct heed_patch_embed job = *given;
    uint32_t words = (job.patch * job.patch + 3) / 4, block = words <= WORDS ? WORDS / words : 1;
    struct part part =
        part_of(job.height / job.patch * (job.width / job.patch), job.columns, 1, 1, team);
    word patches[WORDS];

    for (uint32_t token = part.rows.first; token < part.rows.end; token += block) {
        uint32_t left = part.rows.end - token, tokens = left < block ? left : block;

        for (uint32_t i = 0; words <= WORDS && i < tokens; i++)
            gather(patches + i * words, words, corner(&job, token + i), job.image_stride,
                   job.patch);
        for (uint32_t c = part.columns.first; c < part.columns.end; c++)
            any_channel(&job, c, token, tokens, words <= WORDS ? patches : 0, words);
    }
}
