// The engine's registers and the life of its jobs.
#include "engine.h"

#include <cstddef>
#include <vector>

#include "heed_regs.h"

namespace heed {

namespace {

constexpr uint64_t ABORT_CYCLES = 30;
constexpr uint32_t ALL_HARTS = 0xffffffff, DESCRIPTOR_ALIGN = 64, STATUS_ALIGN = 8;

}  // namespace

Access Engine::access(RegisterAccess &a) {
    switch (a.offset) {
    case HEED_ENGINE_ID: return a.read_only(config.engine_id);
    case HEED_ENGINE_SIZES: return a.read_only(config.engine_sizes);
    case HEED_ENGINE_CONFIG_HASH: return a.read_only(config.engine_hash);
    case HEED_ENGINE_DOORBELL:
        if (a.write) ring(a.data, a.time);
        return a.write_only();
    case HEED_ENGINE_STATE: return a.read_only(state());
    case HEED_ENGINE_CLEAR:
        if (a.write && (a.data & 1)) clear(a.time);
        return a.write_only();
    case HEED_ENGINE_ERROR: return a.read_only(error);
    case HEED_ENGINE_ERROR_ADDRESS: return a.read_only(error_address);
    case HEED_ENGINE_JOBS: return a.read_only(ended);
    case HEED_ENGINE_COUNT_CLEAR:
        if (a.write && (a.data & 1)) {
            busy_before = 0;
            busy_since = a.time;
        }
        return a.write_only();
    case HEED_ENGINE_COUNT_BUSY: return a.read_only(uint32_t(busy_cycles(a.time)));
    // What these count is not estimated.
    case HEED_ENGINE_COUNT_ACTIVE: case HEED_ENGINE_COUNT_READ: case HEED_ENGINE_COUNT_WRITTEN:
    case HEED_ENGINE_COUNT_REFUSED: return a.read_only(0);
    }
    uint32_t cause;
    uint32_t causes = (HEED_ENGINE_COUNT_READ - HEED_ENGINE_COUNT_STALL) / 4;
    if (a.element(HEED_ENGINE_COUNT_STALL, HEED_ENGINE_COUNT_STALL_STEP, causes, cause))
        return a.read_only(0);
    return Access::FAULT;
}

// One doorbell behind the one that runs is already being fetched and leaves room in the queue.
uint32_t Engine::state() const {
    uint32_t waiting = uint32_t(doorbells.size());
    if (waiting && !jobs.empty()) waiting--;
    uint32_t free = config.engine_queue - waiting;
    return uint32_t(busy()) << HEED_ENGINE_STATE_BUSY_SHIFT |
           uint32_t(halted) << HEED_ENGINE_STATE_HALTED_SHIFT |
           uint32_t(overflow) << HEED_ENGINE_STATE_OVERFLOW_SHIFT |
           free << HEED_ENGINE_STATE_FREE_SHIFT;
}

uint64_t Engine::busy_cycles(uint64_t time) const {
    return busy_before + (busy() ? time - busy_since : 0);
}

void Engine::ring(uint32_t address, uint64_t time) {
    if ((state() >> HEED_ENGINE_STATE_FREE_SHIFT & HEED_ENGINE_STATE_FREE_MASK) == 0) {
        overflow = true;
        return;
    }
    if (!busy()) busy_since = time;
    doorbells.push_back(address);
    start(time);
}

// Starts the first doorbell that waits, unless one runs or an error halted the engine.
void Engine::start(uint64_t time) {
    while (jobs.empty() && !doorbells.empty() && !halted && !broken) {
        std::vector<heed_engine_job> found(MOST_JOBS);
        int count = callback ? callback(user, doorbells.front(), found.data(), MOST_JOBS) : -1;
        broken = count < 0;
        for (int i = 0; i < count; i++) {
            found[i].end += time;
            jobs.push_back(found[i]);
        }
        doorbells.pop_front();
        memory.changed(memory.tcdm.base, memory.tcdm.bytes);
    }
}

void Engine::end(const heed_engine_job &job) {
    uint32_t words[2] = {job.code, job.cycles};
    if (job.status) memory.write(job.status, words, sizeof words);
    ended++;
    if (job.code != HEED_STATUS_DONE && job.code != HEED_STATUS_ABORTED) {
        halted = true;
        error = job.code;
        error_address = job.address;
    }
    events.raise(HEED_EVENTS_EVENT_ENABLE_ENGINE_SHIFT, job.event_mask);
}

void Engine::advance(uint64_t time) {
    while (next_event() <= time) {
        heed_engine_job job = jobs.front();
        bool was_busy = busy();
        uint64_t cycles = busy_cycles(job.end);
        jobs.pop_front();
        end(job);
        start(job.end);
        if (was_busy && !busy()) busy_before = cycles;
    }
}

// What is known of a job that is not run: where its status and event go.
heed_engine_job Engine::aborted(uint32_t address) const {
    heed_engine_job job = {0, HEED_STATUS_ABORTED, 0, address, 0, ALL_HARTS};
    heed_descriptor descriptor;
    bool readable = address % DESCRIPTOR_ALIGN == 0 && memory.tcdm.holds(address) &&
                    memory.read(address, &descriptor, sizeof descriptor);
    if (!readable) return job;
    job.event_mask = descriptor.event_mask;
    if (descriptor.status % STATUS_ALIGN == 0 && memory.tcdm.holds(descriptor.status))
        job.status = descriptor.status;
    return job;
}

// The job that runs and the doorbells that wait end as aborted, the rest of the chain is dropped.
void Engine::clear(uint64_t time) {
    halted = overflow = false;
    error = error_address = 0;
    std::deque<heed_engine_job> aborted_jobs;
    if (!jobs.empty()) {
        heed_engine_job running = jobs.front();
        running.code = HEED_STATUS_ABORTED;
        running.cycles = 0;
        aborted_jobs.push_back(running);
    }
    for (uint32_t address : doorbells) aborted_jobs.push_back(aborted(address));
    for (heed_engine_job &job : aborted_jobs) job.end = time += ABORT_CYCLES;
    jobs = aborted_jobs;
    doorbells.clear();
}

}  // namespace heed
