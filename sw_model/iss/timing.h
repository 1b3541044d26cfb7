// What instructions cost: the constants of the estimate.
//
// An instruction takes one cycle, and starts when what it needs is there. Results of loads,
// products and atomics come one cycle later than others: the next instruction waits for them when
// it reads or writes that register. What the estimate leaves out: conflicts in the scratchpad and
// on shared ports, requests that wait in the core's queue, and fetches that stores delay.
#pragma once
#include <cstdint>

namespace heed {

struct Timing {
    // The first instruction leaves in this cycle after the start; mcycle is this then.
    uint32_t start = 4, start_mcycle = 2;
    // Cycles more than one.
    uint32_t redirect = 1;     // taken branch, jump, mret, fence.i, write of loop registers, trap
    uint32_t main_memory = 1;  // load, store, LR or SC of main memory: it holds the core
    uint32_t main_amo = 3;     // AMO there: a read, then a write
    uint32_t device = 1;       // load or store of a device
    // A blocking access or a fence right after an access to TCDM waits for that one's response.
    uint32_t after_tcdm = 1;
    // Instructions fetched from TCDM come that many cycles apart, and what they cost otherwise is
    // hidden in that; an access to TCDM holds the fetch up, a jump within TCDM is one fetch in
    // vain, and one from main memory into it (entry) waits for the first.
    uint32_t tcdm_fetch = 3, tcdm_access = 1, tcdm_jump = 3, tcdm_entry = 2;
    // From a division's start to an instruction that may use its result; per quotient bit 1 more.
    uint32_t divide = 3;
    uint32_t wake = 1;  // from an interrupt's level to the end of a sleep
    // DMA.
    uint32_t dma_latency = 20, dma_bytes = 64;  // a transfer: latency + bytes / dma_bytes
};

constexpr Timing TIMING;

// Cycles from a division until its result can be used; op is funct3 & 3 (bit 0 unsigned).
inline uint32_t division_cycles(uint32_t a, uint32_t b, unsigned op) {
    if (!(op & 1)) {
        if (int32_t(a) < 0) a = 0 - a;
        if (int32_t(b) < 0) b = 0 - b;
    }
    if (b == 0 || a < b) return TIMING.divide;
    return TIMING.divide + uint32_t(__builtin_clz(b) - __builtin_clz(a)) + 1;
}

}  // namespace heed
