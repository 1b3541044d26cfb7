/* The DMA: copies between the memories while the harts go on.
 *
 *     struct heed_dma_transfer rows = heed_dma_2d(to, to_stride, from, from_stride, bytes, count);
 *     uint32_t id = heed_dma_start(&rows);
 *     ...
 *     if (!heed_dma_wait(id))
 *         ... it failed ...
 *
 * A transfer is planes of runs of bytes, at addresses of any alignment in TCDM and main memory;
 * source and target must not overlap. Transfers are done in the order of their starts. There is one
 * set of registers: one hart at a time may start transfers.
 *
 * The RTL has no DMA yet: there every access here is an access fault. */
#ifndef HEED_DMA_H
#define HEED_DMA_H

#include <stdbool.h>
#include <stdint.h>

#include "heed/device.h"
#include "heed/events.h"

/* What is copied. Strides are bytes from the start of one run, or plane, to the next; they may be
   anything, 0 and negative ones (modulo 2^32) too. */
struct heed_dma_transfer {
    uint32_t target, source;
    uint32_t bytes; /* of a run */
    uint32_t runs;  /* of a plane */
    uint32_t planes;
    uint32_t target_stride, source_stride;             /* of runs */
    uint32_t target_plane_stride, source_plane_stride; /* of planes */
    uint32_t event_mask; /* harts that get the DMA event at the end */
};

/* One run of bytes. */
static inline struct heed_dma_transfer heed_dma_1d(void *target, const void *source,
                                                   uint32_t bytes)
{
    return (struct heed_dma_transfer){
        .target = (uint32_t)target,
        .source = (uint32_t)source,
        .bytes = bytes,
        .runs = 1,
        .planes = 1,
    };
}

/* A matrix: `rows` runs of bytes. */
static inline struct heed_dma_transfer heed_dma_2d(void *target, uint32_t target_stride,
                                                   const void *source, uint32_t source_stride,
                                                   uint32_t bytes, uint32_t rows)
{
    struct heed_dma_transfer transfer = heed_dma_1d(target, source, bytes);

    transfer.runs = rows;
    transfer.target_stride = target_stride;
    transfer.source_stride = source_stride;
    return transfer;
}

/* Queues a transfer. Returns its id, or 0 when the queue is full. */
static inline uint32_t heed_dma_try(const struct heed_dma_transfer *transfer)
{
    heed_write(HEED_DMA_BASE + HEED_DMA_SOURCE, transfer->source);
    heed_write(HEED_DMA_BASE + HEED_DMA_TARGET, transfer->target);
    heed_write(HEED_DMA_BASE + HEED_DMA_BYTES, transfer->bytes);
    heed_write(HEED_DMA_BASE + HEED_DMA_SOURCE_STRIDE, transfer->source_stride);
    heed_write(HEED_DMA_BASE + HEED_DMA_TARGET_STRIDE, transfer->target_stride);
    heed_write(HEED_DMA_BASE + HEED_DMA_COUNT, transfer->runs);
    heed_write(HEED_DMA_BASE + HEED_DMA_SOURCE_STRIDE + HEED_DMA_SOURCE_STRIDE_STEP,
               transfer->source_plane_stride);
    heed_write(HEED_DMA_BASE + HEED_DMA_TARGET_STRIDE + HEED_DMA_TARGET_STRIDE_STEP,
               transfer->target_plane_stride);
    heed_write(HEED_DMA_BASE + HEED_DMA_COUNT + HEED_DMA_COUNT_STEP,
               transfer->planes);
    heed_write(HEED_DMA_BASE + HEED_DMA_EVENT_MASK, transfer->event_mask);
    heed_fence(); /* what it reads must have been written */
    return heed_read(HEED_DMA_BASE + HEED_DMA_START);
}

/* Queues a transfer as soon as there is room. Returns its id, which is never 0. */
static inline uint32_t heed_dma_start(const struct heed_dma_transfer *transfer)
{
    uint32_t id;

    while (!(id = heed_dma_try(transfer)))
        ;
    return id;
}

/* Whether a transfer has ended. */
static inline bool heed_dma_done(uint32_t id)
{
    bool done = (int32_t)(heed_read(HEED_DMA_BASE + HEED_DMA_DONE) - id) >= 0;

    heed_fence(); /* what it wrote is read after this */
    return done;
}

/* Whether a transfer that ended has failed: a byte lay in no memory. Forgets the error, so ask
   once. Unless somebody asks, it also shows for the transfer 32 starts later. */
static inline bool heed_dma_failed(uint32_t id)
{
    uint32_t bit = 1u << id % 32;

    if (!(heed_read(HEED_DMA_BASE + HEED_DMA_ERROR) & bit))
        return false;
    heed_write(HEED_DMA_BASE + HEED_DMA_ERROR, bit);
    return true;
}

/* Waits for the end of a transfer, looking all the time. Returns whether all is well. */
static inline bool heed_dma_wait(uint32_t id)
{
    while (!heed_dma_done(id))
        ;
    return !heed_dma_failed(id);
}

/* Sleeps until the end of a transfer, whose event mask must name this hart. Returns whether all is
   well. Afterwards no event but the DMA's is enabled. */
static inline bool heed_dma_sleep(uint32_t id)
{
    heed_event_enable(HEED_EVENT_DMA);
    while (!heed_dma_done(id))
        heed_event_wait(HEED_EVENT_DMA);
    return !heed_dma_failed(id);
}

#endif
