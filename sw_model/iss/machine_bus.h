// What a hart of a machine reaches: quickly its memories, then the devices.
#pragma once
#include "hart.h"
#include "heed_regs.h"
#include "machine.h"
#include "timing.h"

namespace heed {

class MachineBus {
public:
    MachineBus(Machine &machine, unsigned index)
        : machine(machine), memory(machine.memory), hart(*machine.places[index].hart),
          place(machine.places[index]), index(index), tohost(machine.options.tohost) {}

    Access load(uint32_t address, unsigned size, uint32_t &value) {
        if (memory.tcdm.holds(address)) {
            hart.last_tcdm = hart.time + 1;
            std::memcpy(&value, memory.tcdm.data + (address - memory.tcdm.base), size);
            return Access::DONE;
        }
        if (memory.main.holds(address)) {
            block(TIMING.main_memory);
            std::memcpy(&value, memory.main.data + (address - memory.main.base), size);
            return Access::DONE;
        }
        return load_device(address, size, value);
    }

    Access store(uint32_t address, unsigned size, uint32_t value) {
        Region *region = memory.find(address);
        if (!region) return store_device(address, size, value);
        memory.store(*region, index, address, size, value);
        if (address == tohost && size == 4 && (value & 1)) exit(value);
        if (region == &memory.main) block(TIMING.main_memory);
        else hart.last_tcdm = hart.time + 1;
        return Access::DONE;
    }

    Access load_reserved(uint32_t address, uint32_t &value) {
        bool done = memory.load_reserved(index, address, value);
        return atomic(address, done, TIMING.main_memory);
    }
    Access store_conditional(uint32_t address, uint32_t value, bool &success) {
        bool done = memory.store_conditional(index, address, value, success);
        return atomic(address, done, TIMING.main_memory);
    }
    Access amo(AmoOp op, uint32_t address, uint32_t operand, uint32_t &old) {
        bool done = memory.amo(index, op, address, operand, old);
        return atomic(address, done, TIMING.main_amo);
    }

    uint32_t csr(uint32_t, uint32_t own) { return own; }

    Access sleep() {
        hart.csrs.mip = machine.devices->events.levels(index, hart.time);
        if (place.resumes || hart.csrs.awake()) return Access::DONE;
        return wait(State::SLEEPS);
    }

private:
    // An access that holds the core: `more` cycles, and its result is there at once.
    void block(uint32_t more) {
        if (hart.last_tcdm == hart.time) more += TIMING.after_tcdm;
        hart.late = 0;
        hart.time += more;
        if (hart.csrs.counting()) hart.csrs.count(Event::MEMORY, more);
    }

    Access wait(State state) {
        place.state = state;
        hart.limit = 0;
        hart.late = 0;
        return Access::WAIT;
    }

    Access atomic(uint32_t address, bool done, uint32_t in_main) {
        if (!done) return Access::FAULT;
        if (memory.tcdm.holds(address)) hart.last_tcdm = hart.time + 1;
        else block(in_main);
        return Access::DONE;
    }

    // After an access to a device, interrupts and other harts are looked at.
    Access after_device(Access access) {
        hart.limit = 0;
        machine.touched = true;
        if (access == Access::WAIT) return wait(State::WAITS);
        if (machine.devices->exited) exit(machine.devices->exit_word);
        if (machine.devices->stopped) machine.finish(HEED_STOPPED, hart.time);
        block(TIMING.device);
        return access;
    }

    [[gnu::noinline]] Access load_device(uint32_t address, unsigned size, uint32_t &value) {
        if (address - HEED_DEVICE_BASE >= DEVICE_BYTES) return Access::FAULT;
        Devices &devices = *machine.devices;
        return after_device(devices.load(index, hart.time, address, size, value));
    }

    [[gnu::noinline]] Access store_device(uint32_t address, unsigned size, uint32_t value) {
        if (address - HEED_DEVICE_BASE >= DEVICE_BYTES) return Access::FAULT;
        Devices &devices = *machine.devices;
        return after_device(devices.store(index, hart.time, address, size, value));
    }

    [[gnu::noinline]] void exit(uint32_t word) {
        machine.result.exit_word = word;
        machine.finish(HEED_EXITED, hart.time);
        hart.limit = 0;
    }

    static constexpr uint32_t DEVICE_BYTES = 0x10000;

    Machine &machine;
    Memory &memory;
    Hart &hart;
    Machine::Place &place;
    const unsigned index;
    const uint32_t tohost;
};

}  // namespace heed
