// The library's C interface, as sw_model/iss/iss.py uses it.
#include <cstddef>

#include "machine.h"

using heed::Access;
using heed::Machine;

namespace {

// One instruction, and no memory.
class OneWord : public heed::Bus {
public:
    explicit OneWord(uint32_t word) : word(word) {}

    Access fetch(uint32_t, uint32_t &fetched) override {
        fetched = word;
        return Access::DONE;
    }
    Access load(uint32_t, unsigned, uint32_t &) override { return Access::FAULT; }
    Access store(uint32_t, unsigned, uint32_t) override { return Access::FAULT; }
    Access load_reserved(uint32_t, uint32_t &) override { return Access::FAULT; }
    Access store_conditional(uint32_t, uint32_t, bool &) override { return Access::FAULT; }
    Access amo(heed::AmoOp, uint32_t, uint32_t, uint32_t &) override { return Access::FAULT; }

private:
    uint32_t word;
};

}  // namespace

extern "C" {

// A machine of that configuration, or null when there is no memory for it.
Machine *heed_iss_new(const heed_config *config) {
    try {
        return new Machine(*config);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void heed_iss_free(Machine *machine) { delete machine; }

// The scratchpad's bytes. Whoever writes to them while a program runs does so in the engine's
// callback.
uint8_t *heed_iss_tcdm(Machine *machine) { return machine->memory.tcdm.data; }

// Whether all the bytes lie in one memory.
int heed_iss_write(Machine *machine, uint32_t address, const uint8_t *bytes, uint32_t count) {
    return machine->memory.write(address, bytes, count);
}

int heed_iss_read(Machine *machine, uint32_t address, uint8_t *bytes, uint32_t count) {
    return machine->memory.read(address, bytes, count);
}

void heed_iss_start(Machine *machine, const heed_run *options) { machine->start(*options); }

// To be called again while the outcome says HEED_PAUSED.
void heed_iss_run(Machine *machine, heed_outcome *outcome) { machine->run(*outcome); }

// Executes one instruction at address 0 of a fresh hart without memory, on 32 registers.
void heed_iss_execute(Machine *machine, uint32_t word, uint32_t *x, heed_retire *record) {
    heed::Hart hart(machine->config, 0);
    for (unsigned i = 1; i < 32; i++) hart.set_reg(i, x[i]);
    OneWord bus(word);
    *record = hart.step(bus);
    for (unsigned i = 0; i < 32; i++) x[i] = hart.reg(i);
}

}  // extern "C"
