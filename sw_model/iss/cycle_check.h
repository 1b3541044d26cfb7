// Whether the values that a hart reads from mcycle can be true.
#pragma once
#include <cstdint>

namespace heed {

class CycleCheck {
public:
    // Cycles between reading a CSR and retiring, at most.
    static constexpr uint64_t SLACK = 500;

    // A read of the low half; false when it cannot be.
    bool read(uint32_t value, uint64_t time) {
        bool possible = true;
        if (known) {
            uint64_t passed = time - last_time;
            uint32_t counted = value - last_value;
            possible = counted <= passed + SLACK && (slept || counted + SLACK >= passed);
        }
        known = true;
        slept = false;
        last_value = value;
        last_time = time;
        return possible;
    }

    // The counter was written, or stopped.
    void forget() { known = false; }
    // It stands still in wfi.
    void sleep() { slept = true; }

private:
    bool known = false, slept = false;
    uint32_t last_value = 0;
    uint64_t last_time = 0;
};

}  // namespace heed
