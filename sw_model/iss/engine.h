// The attention engine as harts see it: its registers, and jobs that end when they would.
//
// What a job does is not known here: `heed_engine_callback` executes the chain of a doorbell on the
// scratchpad when it starts and says, job by job, when it ends.
#pragma once
#include <deque>

#include "event_unit.h"
#include "memory.h"
#include "register_access.h"

extern "C" {
// A job: when it ends (cycles from the doorbell's start), and how.
typedef struct heed_engine_job {
    uint64_t end;
    uint32_t code, cycles;  // of the status word
    uint32_t address;       // of the descriptor
    uint32_t status;        // address of the status word, or 0
    uint32_t event_mask;
} heed_engine_job;

// Runs the chain at `address`: fills in at most `room` jobs and returns how many; less than 0 stops
// the run.
typedef int (*heed_engine_callback)(void *user, uint32_t address, heed_engine_job *jobs, int room);
}

namespace heed {

class Engine {
public:
    Engine(const heed_config &config, Memory &memory, EventUnit &events,
           heed_engine_callback callback, void *user)
        : config(config), memory(memory), events(events), callback(callback), user(user) {}

    Access access(RegisterAccess &a);
    uint64_t next_event() const { return jobs.empty() ? NEVER : jobs.front().end; }
    void advance(uint64_t time);
    bool failed() const { return broken; }  // the callback asked to stop

private:
    static constexpr int MOST_JOBS = 4096;

    bool busy() const { return !jobs.empty() || !doorbells.empty(); }
    uint32_t state() const;
    uint64_t busy_cycles(uint64_t time) const;
    void ring(uint32_t address, uint64_t time);
    void start(uint64_t time);
    void end(const heed_engine_job &job);
    void clear(uint64_t time);
    heed_engine_job aborted(uint32_t address) const;

    const heed_config &config;
    Memory &memory;
    EventUnit &events;
    heed_engine_callback callback;
    void *user;
    std::deque<uint32_t> doorbells;    // that wait
    std::deque<heed_engine_job> jobs;  // of the doorbell that runs; ends are absolute
    bool halted = false, overflow = false, broken = false;
    uint32_t error = 0, error_address = 0, ended = 0;
    uint64_t busy_since = 0, busy_before = 0;
};

}  // namespace heed
