/* Copies of all shapes by the DMA, compared with copies by the hart, every byte around them too. */

#include "heed/console.h"
#include "heed/dma.h"
#include "heed/hart.h"

#define BYTES 1024u
#define BLANK 0xa5

static uint8_t near[BYTES] __attribute__((section(".tcdm_bss"), aligned(64)));
static uint8_t far[BYTES] __attribute__((aligned(64)));
static uint8_t wanted[BYTES];

static void fill(uint8_t *source, uint8_t *target)
{
    uint32_t state = 1;

    for (uint32_t i = 0; i < BYTES; i++) {
        state = state * 1664525u + 1013904223u;
        source[i] = (uint8_t)(state >> 24);
        target[i] = wanted[i] = BLANK;
    }
}

/* What the transfer should make of the target. */
static void copy_slowly(const struct heed_dma_transfer *transfer, const uint8_t *target)
{
    uint32_t base = (uint32_t)target;

    for (uint32_t plane = 0; plane < transfer->planes; plane++)
        for (uint32_t run = 0; run < transfer->runs; run++)
            for (uint32_t byte = 0; byte < transfer->bytes; byte++) {
                uint32_t from = transfer->source + plane * transfer->source_plane_stride +
                                run * transfer->source_stride + byte;
                uint32_t to = transfer->target + plane * transfer->target_plane_stride +
                              run * transfer->target_stride + byte;

                wanted[to - base] = *(const uint8_t *)from;
            }
}

/* Does a transfer whose addresses are offsets in the buffers, in one direction. */
static int agrees(const char *what, struct heed_dma_transfer transfer, bool outward)
{
    uint8_t *source = outward ? near : far, *target = outward ? far : near;

    fill(source, target);
    transfer.source += (uint32_t)source;
    transfer.target += (uint32_t)target;
    copy_slowly(&transfer, target);
    uint32_t id = heed_dma_start(&transfer);
    bool well = transfer.event_mask ? heed_dma_sleep(id) : heed_dma_wait(id);
    for (uint32_t i = 0; i < BYTES; i++) {
        if (target[i] != wanted[i]) {
            heed_printf("%s, %s: byte %u is %u, not %u\n", what, outward ? "out" : "in", i,
                        target[i], wanted[i]);
            return 0;
        }
    }
    if (!well || heed_dma_failed(id)) {
        heed_printf("%s, %s: failed\n", what, outward ? "out" : "in");
        return 0;
    }
    return 1;
}

static int shapes(bool outward)
{
    static const struct heed_dma_transfer matrix = {
        .source = 40, .target = 8, .bytes = 24, .runs = 9, .planes = 1,
        .source_stride = 64, .target_stride = 24,
    };
    static const struct heed_dma_transfer planes = {
        .source = 3, .target = 17, .bytes = 5, .runs = 4, .planes = 3,
        .source_stride = 31, .target_stride = 9, .source_plane_stride = 200,
        .target_plane_stride = 301, .event_mask = 1,
    };
    static const struct heed_dma_transfer upwards = {
        .source = 500, .target = 600, .bytes = 7, .runs = 6, .planes = 2,
        .source_stride = 0, .target_stride = (uint32_t)-16, .source_plane_stride = 50,
        .target_plane_stride = 301,
    };
    static const struct heed_dma_transfer none = {.bytes = 0, .runs = 3, .planes = 1};

    for (uint32_t from = 0; from < 4; from++)
        for (uint32_t to = 0; to < 4; to++)
            for (uint32_t bytes = 1; bytes < 20; bytes += 6)
                if (!agrees("run", heed_dma_1d((void *)(to + 64), (void *)from, bytes), outward))
                    return 0;
    return agrees("all", heed_dma_1d((void *)0, (void *)0, BYTES), outward) &&
           agrees("matrix", matrix, outward) && agrees("planes", planes, outward) &&
           agrees("upwards", upwards, outward) && agrees("none", none, outward) &&
           agrees("rows", heed_dma_2d((void *)5, 40, (void *)1, 33, 33, 20), outward);
}

/* A failure is told once, and of the right transfer. */
static int errors(void)
{
    struct heed_dma_transfer bad = heed_dma_1d(near, (const void *)0x40000000, 8);
    struct heed_dma_transfer good = heed_dma_1d(near, far, 8);
    uint32_t first = heed_dma_start(&good), second = heed_dma_start(&bad);
    uint32_t third = heed_dma_start(&good);

    return heed_dma_wait(third) && heed_dma_done(first) && !heed_dma_failed(first) &&
           !heed_dma_wait(second) && heed_dma_wait(second);
}

/* The queue fills up, and starting waits for room. */
static int queue(void)
{
    struct heed_dma_transfer all = heed_dma_1d(near, far, BYTES);
    uint32_t id = 0, last = 0, started = 0;

    while ((id = heed_dma_try(&all))) {
        last = id;
        started++;
    }
    id = heed_dma_start(&all);
    return started > 0 && id == last + 1 && heed_dma_wait(id) && heed_dma_done(last);
}

int main(void)
{
    if (heed_hart_id() != 0)
        return 0;
    if (!shapes(false))
        return 1;
    if (!shapes(true))
        return 2;
    if (!errors())
        return 3;
    if (!queue())
        return 4;
    heed_puts("all copies agree\n");
    return 0;
}
