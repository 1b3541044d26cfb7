// A hart: registers, traps, and single steps that report what they did.
#pragma once
#include <cstdint>

#include "bus.h"
#include "config.h"
#include "csr.h"
#include "decode.h"
#include "retire.h"

namespace heed {

enum Cause : uint32_t {
    FETCH_MISALIGNED = 0,
    FETCH_FAULT = 1,
    ILLEGAL = 2,
    BREAKPOINT = 3,
    LOAD_MISALIGNED = 4,
    LOAD_FAULT = 5,
    STORE_MISALIGNED = 6,
    STORE_FAULT = 7,
    ECALL = 11,
};

class Hart {
public:
    Hart(const heed_config &config, uint32_t id) : config(config), id(id), csrs(config, id) {}

    // Executes one instruction and says what it did. `waits()` is true afterwards when the bus
    // answered WAIT: then nothing happened and the record means nothing.
    heed_retire step(Bus &bus);
    bool waits() const { return waiting; }

    // Takes an interrupt now; the next step's record names it.
    void interrupt(uint32_t cause);

    uint32_t reg(unsigned number) const { return x[number]; }
    void set_reg(unsigned number, uint32_t value) { x[number ? number : SINK] = value; }

    // Notes an exception of the instruction at pc, which is to be entered by `trap`.
    void raise(uint32_t cause, uint32_t value) {
        trap_cause = cause;
        trap_value = value;
    }
    // Enters a trap: CSRs and pc. What it was stays in trap_*.
    void trap(uint32_t cause, uint32_t value, uint32_t insn, bool is_interrupt = false);

    const heed_config &config;
    const uint32_t id;
    uint32_t x[33] = {};  // x[0] is always 0; writes to it go to x[SINK]
    uint32_t pc = 0;
    uint64_t time = 0;     // cycles since reset: the estimate (timing.h)
    uint64_t retired = 0;  // instructions
    uint32_t last_pc = 0;  // of the last one
    Csrs csrs;
    uint32_t loop_start[2] = {}, loop_end[2] = {}, loop_count[2] = {};

    // Of the last trap; cause as in mcause.
    uint32_t trap_cause = 0, trap_value = 0, trap_pc = 0, trap_insn = 0;

    // Of the estimate. A run of instructions ends when `time` reaches `limit`.
    uint64_t limit = 0;
    uint64_t last_tcdm = 0;    // when the last access to TCDM was made
    uint64_t divided = 0;      // when the division under way can be used
    uint32_t divide_uses = 0;  // bit 0: the divider is busy; bit r: with the value of register r
    uint8_t late = 0;          // register whose value comes a cycle later

private:
    bool waiting = false;
    bool interrupted = false;  // before the next step
    uint32_t interrupt_cause = 0;
};

}  // namespace heed
