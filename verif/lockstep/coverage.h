// What a run of lockstep saw: instructions by row of the table, and events.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "hart.h"
#include "retire.h"

namespace heed {

class Coverage {
public:
    explicit Coverage(unsigned harts);

    // A record that was found equal, and the hart after it.
    void count(unsigned hart, const heed_retire &record, const Hart &model);
    void count_refused(uint64_t cycles) { refused += cycles; }

    // The counts as members of a JSON object.
    std::string json() const;

private:
    unsigned row(uint32_t insn);

    std::vector<uint64_t> rows;  // by index into the table
    uint64_t exceptions[32] = {}, interrupts[32] = {};
    uint64_t loop_ends[2] = {}, taken = 0;
    uint64_t conditional[2][2] = {};  // memory (TCDM, main), success
    uint64_t refused = 0;
    std::vector<uint32_t> loop_counts[2];
    std::vector<uint64_t> cached;  // insn and its row, direct mapped
};

}  // namespace heed
