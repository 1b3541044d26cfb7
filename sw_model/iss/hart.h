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
    Hart(const heed_config &config, uint32_t id) : config(config), csrs(config, id) {}

    // Executes one instruction and says what it did. `waits()` is true afterwards when the bus
    // answered WAIT: then nothing happened and the record means nothing.
    heed_retire step(Bus &bus);
    bool waits() const { return waiting; }

    // Takes an interrupt now; the next step's record names it.
    void interrupt(uint32_t cause);

    uint32_t reg(unsigned number) const { return number ? x[number] : 0; }
    void set_reg(unsigned number, uint32_t value) { x[number ? number : SINK] = value; }

    // Enters a trap: writes the CSRs and pc.
    void trap(uint32_t cause, uint32_t value, bool is_interrupt = false);

    const heed_config &config;
    uint32_t x[33] = {};  // x[0] is always 0; writes to it go to x[SINK]
    uint32_t pc = 0;
    uint64_t time = 0;  // cycles since reset: the estimate (see timing.h)
    Csrs csrs;

    // Hardware loops.
    uint32_t loop_start[2] = {}, loop_end[2] = {}, loop_count[2] = {};

    // Of the last trap, for whoever wants to report it.
    uint32_t trap_cause = 0, trap_value = 0, trap_pc = 0, trap_insn = 0;

private:
    bool waiting = false;
    bool interrupted = false;  // before the next step
    uint32_t interrupt_cause = 0;
};

}  // namespace heed
