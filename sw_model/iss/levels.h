// The interrupt levels that a hart saw, from when to when.
#pragma once
#include <cstdint>
#include <deque>

namespace heed {

class Levels {
public:
    void set(uint64_t cycle, uint32_t mask) {
        if (changes.empty() || changes.back().mask != mask) changes.push_back({cycle, mask});
    }

    // Bits that were up at some time from `first` to `last`.
    uint32_t any(uint64_t first, uint64_t last) const {
        uint32_t seen = 0;
        for (size_t i = 0; i < changes.size() && changes[i].cycle <= last; ++i)
            if (i + 1 == changes.size() || changes[i + 1].cycle > first) seen |= changes[i].mask;
        return seen;
    }

    // Bits that were up all the time from `first` to `last`.
    uint32_t all(uint64_t first, uint64_t last) const {
        uint32_t seen = ~0u;
        if (changes.empty() || changes.front().cycle > first) return 0;
        for (size_t i = 0; i < changes.size() && changes[i].cycle <= last; ++i)
            if (i + 1 == changes.size() || changes[i + 1].cycle > first) seen &= changes[i].mask;
        return seen;
    }

    // Nobody will ask for cycles before this one.
    void forget(uint64_t cycle) {
        while (changes.size() > 1 && changes[1].cycle <= cycle) changes.pop_front();
    }

private:
    struct Change {
        uint64_t cycle;
        uint32_t mask;
    };
    std::deque<Change> changes;
};

}  // namespace heed
