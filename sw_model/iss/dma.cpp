// The DMA's registers and its copying.
#include "dma.h"

#include <algorithm>
#include <vector>

#include "heed_regs.h"
#include "timing.h"

namespace heed {

Access Dma::access(RegisterAccess &a) {
    uint32_t i;
    if (a.element(HEED_DMA_SOURCE_STRIDE, HEED_DMA_SOURCE_STRIDE_STEP, 2, i))
        return a.read_write(source_stride[i]);
    if (a.element(HEED_DMA_TARGET_STRIDE, HEED_DMA_TARGET_STRIDE_STEP, 2, i))
        return a.read_write(target_stride[i]);
    if (a.element(HEED_DMA_COUNT, HEED_DMA_COUNT_STEP, 2, i)) return a.read_write(count[i]);
    switch (a.offset) {
    case HEED_DMA_SOURCE: return a.read_write(source);
    case HEED_DMA_TARGET: return a.read_write(target);
    case HEED_DMA_BYTES: return a.read_write(bytes);
    case HEED_DMA_EVENT_MASK: return a.read_write(event_mask);
    case HEED_DMA_START: return a.read_only(a.write ? 0 : start(a.time));
    case HEED_DMA_DONE: return a.read_only(done);
    case HEED_DMA_ERROR:
        if (a.write) error &= ~a.data;
        else a.data = error;
        return Access::DONE;
    }
    return Access::FAULT;
}

uint32_t Dma::start(uint64_t time) {
    if (queue.size() == QUEUE) return 0;
    if (++last_id == 0) last_id = 1;
    uint64_t total = uint64_t(bytes) * count[0] * count[1];
    busy_until = std::max(busy_until, time) + TIMING.dma_latency + total / TIMING.dma_bytes;
    queue.push_back({busy_until, last_id, event_mask, !copy()});
    return last_id;
}

// Copies run by run; false when a byte lies in no memory.
bool Dma::copy() {
    if (!bytes || !count[0] || !count[1]) return true;
    if (!memory.find(source) || !memory.find(target)) return false;
    if (bytes > std::max(memory.tcdm.bytes, memory.main.bytes)) return false;
    std::vector<uint8_t> run(bytes);
    for (uint32_t plane = 0; plane < count[1]; plane++) {
        uint32_t from = source + plane * source_stride[1], to = target + plane * target_stride[1];
        for (uint32_t line = 0; line < count[0]; line++) {
            if (!memory.read(from, run.data(), bytes)) return false;
            if (!memory.write(to, run.data(), bytes)) return false;
            from += source_stride[0];
            to += target_stride[0];
        }
    }
    return true;
}

void Dma::advance(uint64_t time) {
    for (; next_event() <= time; queue.pop_front()) {
        const Transfer &ended = queue.front();
        done = ended.id;
        if (ended.failed) error |= 1u << ended.id % 32;
        events.raise(HEED_EVENTS_EVENT_ENABLE_DMA_SHIFT, ended.event_mask);
    }
}

}  // namespace heed
