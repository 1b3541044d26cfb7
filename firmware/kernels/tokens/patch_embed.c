/* Patch embedding: an image becomes a sequence of tokens. */

#include "arithmetic.h"
#include "tokens/tokens.h"

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

void heed_patch_embed(const struct heed_patch_embed *given, struct heed_team team)
{
    struct heed_patch_embed job = *given;
    uint32_t across = job.width / job.patch;
    struct share share = share_of(job.height / job.patch * across, team);
    uint32_t down = share.first / across, right = share.first % across;

    for (uint32_t c = 0; c < job.columns; c++) {
        struct entry entry = unpack(&job.entries[c]);
        const int8_t *weight = ROW(job.weight, c, job.weight_stride);
        const int16_t *position = ROW(job.position, share.first, job.position_stride) + c;
        int16_t *y = ROW(job.y, share.first, job.y_stride) + c;
        const int8_t *band = ROW(job.image, down * job.patch, job.image_stride);
        const int8_t *corner = band + right * job.patch;

        for (uint32_t token = share.first; token < share.end; token++) {
            int32_t sum = dot_patch(corner, job.image_stride, weight, job.patch);
            uint64_t residual = (uint64_t)product(*position, entry.rmul) << entry.rsh;
            int64_t total = product(sum, entry.mul) + (int64_t)residual + entry.add;

            *y = clip16(shift_right(total, entry.shift));
            y = ROW(y, 1, job.y_stride);
            position = ROW(position, 1, job.position_stride);
            corner += job.patch;
            if (corner == band + job.width) {
                band = ROW(band, job.patch, job.image_stride);
                corner = band;
            }
        }
    }
}
