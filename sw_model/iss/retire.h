// What one instruction did: the record that traces and comparisons are made of.
#pragma once
#include <stdint.h>

// One retired instruction, or one that raised an exception (`trap`). Names and conventions are
// those of the core's trace port (hw/core/rvfi.py): masks count from the exact address, and what
// was not read or written is 0. A trap writes nothing; its next_pc is the handler's address.
typedef struct heed_retire {
    uint64_t time;      // cycle it retired in; the simulator's estimate
    uint64_t mem_time;  // cycle in which memory performed its access; 0 without one
    uint32_t pc, next_pc, insn;
    uint32_t rd_wdata, rd2_wdata;
    uint32_t mem_addr, mem_rdata, mem_wdata;
    uint8_t rd_addr, rd2_addr, mem_rmask, mem_wmask;
    uint8_t trap, cause;     // an exception was raised, and which
    uint8_t irq, irq_cause;  // that interrupt was taken right before
} heed_retire;
