// Compares what harts of the RTL retire with the simulator core, instruction by instruction.
//
// Records go in as they retire, one queue a hart, and are compared later: the simulator executes
// accesses of all harts in the order in which the RTL's memories performed them (`mem_time`), so
// that every load, atomic and store-conditional is predicted exactly. Taken from the RTL, after a
// check that it can be true: when an interrupt comes, what devices answer, `mip`, and counters of
// cycles and events.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config.h"
#include "cycle_check.h"
#include "hart.h"
#include "levels.h"
#include "lockstep_bus.h"
#include "memory.h"
#include "retire.h"

namespace heed {

class Lockstep {
public:
    // Reads aligned words of one of the RTL's memories.
    using ReadWords = std::function<void(uint32_t address, uint32_t *words, uint32_t count)>;
    // Sees every record that was found equal, and the hart after it.
    using Observer = std::function<void(unsigned hart, const heed_retire &, const Hart &)>;

    // Records that retire this many cycles after an access may still belong to an earlier one.
    static constexpr uint64_t LAG = 4096;

    // `harts` of them start at `entry`. `doorbell`: a store there starts the engine, which writes
    // to TCDM unseen; 0 for none.
    Lockstep(const heed_config &config, unsigned harts, uint32_t entry, ReadWords read_rtl,
             uint32_t doorbell = 0, DeviceFaults device_faults = {});

    void observe(Observer function) { observer = std::move(function); }

    // Initial contents of memory.
    void write(uint32_t address, const void *bytes, uint32_t count);

    // The interrupt levels of a hart from this cycle on (bits as in mip).
    void levels(uint64_t cycle, unsigned hart, uint32_t mask) { raised[hart].set(cycle, mask); }

    // A record of the RTL; `time` is the cycle, `mem_time` the RTL's own count, modulo 2^32, and 0
    // without access.
    void add(unsigned hart, const heed_retire &record);

    // Compares what is certain at this cycle. False after a divergence.
    bool advance(uint64_t cycle);
    // The run ends with this cycle: memories are to be compared as they are now. Records may go on
    // to come, because they follow the accesses; what they show of later cycles does not count.
    void stop(uint64_t cycle);
    // Compares the rest, and the memories. False after a divergence.
    bool finish();

    bool failed() const { return !message.empty(); }
    // What differs, and the last records of every hart.
    std::string report() const;
    uint64_t compared() const { return count; }

private:
    struct Waiting {
        heed_retire record;
        uint64_t done;         // cycle of its access, or else the one it retired in
        uint32_t memory_word;  // what the RTL's TCDM held at the address when this retired
    };
    struct Pair {
        heed_retire rtl, model;
    };
    static constexpr unsigned KEPT = 20;
    // Cycles from the one that counts as an access's until memory is written, at most.
    static constexpr uint64_t SETTLED = 8;

    bool compare(uint64_t limit);
    bool check(unsigned hart, const Waiting &waiting);
    bool check_interrupt(unsigned number, const heed_retire &rtl);
    void follow_engine(const Waiting &waiting);
    bool overwritten(const heed_retire &load) const;
    void drop_late();
    bool compare_memories();
    void fail(unsigned hart, const std::string &what);

    heed_config config;
    unsigned harts;
    ReadWords read_rtl;
    uint32_t doorbell;
    DeviceFaults device_faults;
    bool engine_ran = false;
    Observer observer;
    Memory memory;
    std::vector<std::unique_ptr<Hart>> models;
    std::vector<LockstepBus> buses;
    std::vector<Levels> raised;
    std::vector<CycleCheck> cycles;
    std::vector<unsigned> ignored;  // instructions since an enabled interrupt was there
    std::vector<std::deque<Waiting>> queues;
    std::vector<std::deque<Pair>> history;
    std::vector<uint64_t> times;  // of each hart's last record
    uint64_t last_access = 0;
    uint64_t end = ~uint64_t(0);  // the last cycle that counts
    std::vector<uint32_t> at_end;  // the RTL's memories then: TCDM, main memory
    std::set<uint32_t> unsettled;  // words that were written about then
    uint64_t count = 0;
    std::string message;
};

// One line: pc, word and what the instruction did.
std::string describe(const heed_retire &record);

}  // namespace heed
