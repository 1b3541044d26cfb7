// Control and status registers of machine mode.
#pragma once
#include <cstdint>

#include "config.h"

namespace heed {

class Hart;

// A 64-bit counter of something that another variable counts for ever: that minus `base`, or
// `base` itself while it stands still.
struct Counter {
    uint64_t base = 0;
    bool stopped = false;

    uint64_t read(uint64_t now) const { return stopped ? base : now - base; }
    void write(uint64_t now, uint64_t value) { base = stopped ? value : now - value; }
    void stop(uint64_t now, bool stop) {
        uint64_t value = read(now);
        stopped = stop;
        write(now, value);
    }
};

// What event counters count; bits of mhpmevent.
enum class Event { OPERAND, MEMORY, FETCH, REDIRECT, LOAD, STORE, REFUSED, UNIT };

class Csrs {
public:
    Csrs(const heed_config &config, uint32_t hart_id) : config(config), hart_id(hart_id) {}

    // Whether the register is there, and may be written if `writes`.
    bool legal(uint32_t address, bool writes) const;
    uint32_t read(const Hart &hart, uint32_t address) const;
    void write(Hart &hart, uint32_t address, uint32_t value);

    // Levels that are raised and enabled, whatever mstatus says.
    uint32_t awake() const { return mip & mie; }
    // The interrupt to take now, or 0.
    uint32_t pending() const;

    // Enters a trap; returns the handler's address.
    uint32_t enter(uint32_t pc, uint32_t cause, uint32_t value, bool interrupt);
    // Leaves a handler (mret); returns where to go on.
    uint32_t leave();

    // Whether some event counter counts, and the counting of events.
    bool counting() const { return watched != 0; }
    void count(Event event, uint64_t cycles);

    uint32_t mip = 0;  // levels; bits 3, 7, 11: set from outside
    uint32_t mie = 0, mtvec = 0, mscratch = 0, mepc = 0, mcause = 0, mtval = 0;
    bool enabled = false, was_enabled = false;  // mstatus.MIE and MPIE
    Counter cycle, instret;

private:
    static constexpr unsigned MAX_COUNTERS = 8;

    bool is_counter(uint32_t address, uint32_t first) const;
    void inhibit(Hart &hart, uint32_t value);
    void watch();

    const heed_config &config;
    const uint32_t hart_id;
    uint32_t inhibited = 0;                // mcountinhibit
    uint32_t selected[MAX_COUNTERS] = {};  // mhpmevent3 and on
    uint64_t counted[MAX_COUNTERS] = {};   // mhpmcounter3 and on
    uint32_t watched = 0;                  // events that a running counter selects
};

}  // namespace heed
