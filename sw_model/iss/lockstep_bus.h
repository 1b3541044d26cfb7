// What a hart's step sees in lockstep: memories of the model, devices as the RTL answered them.
#pragma once
#include <functional>

#include "bus.h"
#include "memory.h"
#include "retire.h"

namespace heed {

// Whether a device answers an access to a whole word with an error.
using DeviceFaults = std::function<bool(uint32_t address, bool write)>;

class LockstepBus : public Bus {
public:
    // Without `device_faults` all errors of devices are taken from the RTL.
    LockstepBus(const heed_config &config, Memory &memory, unsigned hart,
                const DeviceFaults &device_faults);

    // What the RTL did, before the step that repeats it.
    void expect(const heed_retire &record) { rtl = record; }

    Access fetch(uint32_t address, uint32_t &word) override;
    Access load(uint32_t address, unsigned size, uint32_t &value) override;
    Access store(uint32_t address, unsigned size, uint32_t value) override;
    Access load_reserved(uint32_t address, uint32_t &value) override;
    Access store_conditional(uint32_t address, uint32_t value, bool &success) override;
    Access amo(AmoOp op, uint32_t address, uint32_t operand, uint32_t &old) override;
    uint32_t csr(uint32_t address, uint32_t own) override;

private:
    Access device(uint32_t address, unsigned size, bool write) const;

    const heed_config &config;
    Memory &memory;
    unsigned hart;
    const DeviceFaults &device_faults;
    heed_retire rtl = {};
};

// Counters whose values depend on timing.
bool is_cycle_counter(uint32_t csr);
bool is_event_counter(uint32_t csr, uint32_t event_counters);

}  // namespace heed
