#include "lockstep_bus.h"

#include <cstring>

#include "hart.h"
#include "heed_regs.h"

namespace heed {

namespace {

constexpr uint32_t DEVICE_BYTES = 0x10000;
constexpr uint32_t MIP = 0x344;

bool is_device(uint32_t address) { return address - HEED_DEVICE_BASE < DEVICE_BYTES; }

}  // namespace

bool is_cycle_counter(uint32_t csr) {
    return csr == 0xB00 || csr == 0xB80 || csr == 0xC00 || csr == 0xC80;
}

bool is_event_counter(uint32_t csr, uint32_t event_counters) {
    return csr - 0xB03 < event_counters || csr - 0xB83 < event_counters;
}

LockstepBus::LockstepBus(const heed_config &config, Memory &memory, unsigned hart,
                         const DeviceFaults &device_faults)
    : config(config), memory(memory), hart(hart), device_faults(device_faults) {}

Access LockstepBus::fetch(uint32_t address, uint32_t &word) {
    Region *region = memory.find(address);
    if (!region) return Access::FAULT;
    std::memcpy(&word, region->data + (address - region->base), 4);
    return Access::DONE;
}

Access LockstepBus::device(uint32_t address, unsigned size, bool write) const {
    bool fault = rtl.trap && (rtl.cause == LOAD_FAULT || rtl.cause == STORE_FAULT);
    if (device_faults && size == 4) fault = device_faults(address, write);
    return fault ? Access::FAULT : Access::DONE;
}

Access LockstepBus::load(uint32_t address, unsigned size, uint32_t &value) {
    if (Region *region = memory.find(address)) {
        value = 0;
        std::memcpy(&value, region->data + (address - region->base), size);
        return Access::DONE;
    }
    if (!is_device(address)) return Access::FAULT;
    value = rtl.mem_rdata & (size == 4 ? ~0u : (1u << 8 * size) - 1);
    return device(address, size, false);
}

Access LockstepBus::store(uint32_t address, unsigned size, uint32_t value) {
    if (Region *region = memory.find(address)) {
        memory.store(*region, hart, address, size, value);
        return Access::DONE;
    }
    return is_device(address) ? device(address, size, true) : Access::FAULT;
}

Access LockstepBus::load_reserved(uint32_t address, uint32_t &value) {
    return memory.load_reserved(hart, address, value) ? Access::DONE : Access::FAULT;
}

Access LockstepBus::store_conditional(uint32_t address, uint32_t value, bool &success) {
    bool there = memory.store_conditional(hart, address, value, success);
    return there ? Access::DONE : Access::FAULT;
}

Access LockstepBus::amo(AmoOp op, uint32_t address, uint32_t operand, uint32_t &old) {
    return memory.amo(hart, op, address, operand, old) ? Access::DONE : Access::FAULT;
}

uint32_t LockstepBus::csr(uint32_t address, uint32_t own) {
    bool timed = address == MIP || is_cycle_counter(address) ||
                 is_event_counter(address, config.event_counters);
    return timed && rtl.rd_addr ? rtl.rd_wdata : own;
}

}  // namespace heed
