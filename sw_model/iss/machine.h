// A cluster's harts on its memories and devices, and the run of a program.
#pragma once
#include <memory>
#include <vector>

#include "devices.h"
#include "hart.h"
#include "memory.h"

extern "C" {
// Gets every record; a result other than 0 stops the run.
typedef int (*heed_trace_callback)(void *user, uint32_t hart, const heed_retire *record);

typedef struct heed_run {
    uint32_t entry, harts;  // harts 0 to harts - 1 start at `entry`
    uint32_t tohost;        // a word stored here with bit 0 set ends the run; odd: none
    uint64_t max_cycles;
    heed_engine_callback engine;
    heed_console_callback console;
    heed_mailbox_callback mailbox;
    heed_trace_callback trace;
    void *user;  // what callbacks get
} heed_run;

enum heed_end { HEED_EXITED, HEED_TIMED_OUT, HEED_UNHANDLED_TRAP, HEED_STOPPED, HEED_PAUSED };

typedef struct heed_outcome {
    uint32_t end;  // heed_end
    uint32_t exit_word;
    uint64_t cycles;
    uint64_t instructions[16];
    uint32_t pcs[16];  // of the instruction that each hart retired last
    // Of an unhandled trap; cause as in mcause.
    uint32_t trap_hart, trap_cause, trap_pc, trap_insn, trap_value;
} heed_outcome;
}

namespace heed {

class MachineBus;

// What one hart does at the moment.
enum class State { OFF, RUNS, SLEEPS, WAITS };

class Machine {
public:
    explicit Machine(const heed_config &config) : config(config), memory(this->config) {}

    // Starts harts and devices afresh, for a program that the memories hold.
    void start(const heed_run &options);
    // Goes on for a tenth of a second or so (HEED_PAUSED), or to the end.
    void run(heed_outcome &outcome);

    const heed_config config;
    Memory memory;

private:
    friend class MachineBus;

    struct Place {
        std::unique_ptr<Hart> hart;
        State state = State::OFF;
        bool resumes = false;  // it retries what it waited for, before any interrupt
    };

    void finish(heed_end how, uint64_t cycles);
    uint64_t next_event() const;
    void wake(uint64_t time);
    bool schedule();
    void run_hart(unsigned index, uint64_t limit);
    void run_fast(Hart &hart, MachineBus &bus);
    void run_traced(Hart &hart, MachineBus &bus);
    void enter_trap(Hart &hart, uint32_t insn);
    void check_handler(Hart &hart);

    heed_run options = {};
    heed_outcome result = {};
    std::vector<Place> places;
    std::unique_ptr<Devices> devices;
    uint64_t pause = 0;  // when to return to the caller
    bool ended = false;
    bool touched = false;  // a device was accessed: that can wake others
};

}  // namespace heed
