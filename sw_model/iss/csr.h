// Control and status registers of machine mode.
#pragma once
#include <cstdint>

#include "config.h"

namespace heed {

class Hart;

class Csrs {
public:
    Csrs(const heed_config &config, uint32_t hart_id);

    // Whether the register is there, and may be written if `writes`.
    bool legal(uint32_t address, bool writes) const;
    uint32_t read(const Hart &hart, uint32_t address) const;
    void write(Hart &hart, uint32_t address, uint32_t value);

    // Levels that are raised and enabled, whatever mstatus says.
    uint32_t awake() const { return mip & mie; }
    // The interrupt to take now, or 0.
    uint32_t pending() const;

    // Where a trap goes.
    uint32_t vector(uint32_t cause, bool interrupt) const;

    uint32_t mip = 0;  // levels; bits 3, 7, 11
    uint32_t mie = 0, mtvec = 0, mscratch = 0, mepc = 0, mcause = 0, mtval = 0;
    bool enabled = false, was_enabled = false;  // mstatus.MIE, MPIE
    uint32_t inhibit = 0;                       // mcountinhibit
    uint64_t cycle_base = 0;    // mcycle is time - cycle_base, or this itself while it stands still
    uint64_t instret = 0;
    uint32_t selected[8] = {};  // mhpmevent3..
    uint64_t events[8] = {};    // mhpmcounter3..
    bool counting = false;      // some event counter counts

    const heed_config &config;
    const uint32_t hart_id;
};

}  // namespace heed
