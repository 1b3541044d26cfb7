/* Patch embedding: an image becomes a sequence of tokens. */

#include "arithmetic.h"

/* Dot product of a patch, `patch` rows of an image, with one channel's weights. */
static int32_t dot_patch(const int8_t *image, uint32_t stride, const int8_t *weight,
                         uint32_t patch)
{
    int32_t sum = 0;

    for (uint32_t row = 0; row < patch; row++) {
        for (uint32_t column = 0; column < patch; column++)
            sum += image[column] * *weight++;
        image = ROW(image, 1, stride);
    }
    return sum;
}

void heed_patch_embed(const struct heed_patch_embed *job, struct heed_team team)
{
    uint32_t across = job->width / job->patch;
    struct share share = share_of(job->height / job->patch * across, team);

    for (uint32_t token = share.first; token < share.end; token++) {
        const int8_t *corner = ROW(job->image, token / across * job->patch, job->image_stride) +
                               token % across * job->patch;
        const int16_t *position = ROW(job->position, token, job->position_stride);
        int16_t *y = ROW(job->y, token, job->y_stride);

        for (uint32_t c = 0; c < job->columns; c++) {
            struct entry entry = unpack(&job->entries[c]);
            int32_t sum = dot_patch(corner, job->image_stride,
                                    ROW(job->weight, c, job->weight_stride), job->patch);
            uint64_t residual = (uint64_t)product(position[c], entry.rmul) << entry.rsh;
            uint64_t total = (uint64_t)product(sum, entry.mul) + residual + (uint64_t)entry.add;

            y[c] = clip16((int64_t)total >> entry.shift);
        }
    }
}
