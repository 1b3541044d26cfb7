// How devices see an access, and what their registers say to it.
#pragma once
#include <cstdint>

#include "bus.h"

namespace heed {

// A load or store of a device, as it reaches the register at `offset` of the device's window.
// Stores are of whole words: devices refuse others before it comes to this.
struct RegisterAccess {
    uint32_t offset;
    bool write;
    uint32_t data;  // of stores; loads put the register's value here
    unsigned hart;
    uint64_t time;

    // Registers by kind: what a load reads; stores of read-only ones fail.
    Access read_only(uint32_t value) {
        if (write) return Access::FAULT;
        data = value;
        return Access::DONE;
    }
    Access read_write(uint32_t &value) {
        if (write) value = data;
        else data = value;
        return Access::DONE;
    }
    // A store is to be looked at by the caller; loads read 0.
    Access write_only() {
        if (!write) data = 0;
        return Access::DONE;
    }
    // Whether this is element `index` < count of an array of registers.
    bool element(uint32_t first, uint32_t step, uint32_t count, uint32_t &index) const {
        index = (offset - first) / step;
        return offset >= first && (offset - first) % step == 0 && index < count;
    }
};

constexpr uint64_t NEVER = ~uint64_t(0);

}  // namespace heed
