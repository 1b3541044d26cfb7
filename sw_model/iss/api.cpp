// The library's C interface, as sw_model/iss/iss.py uses it.
#include <cstddef>

#include "machine.h"

using heed::Machine;

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

void heed_iss_run(Machine *machine, const heed_run *options, heed_outcome *outcome) {
    machine->run(*options, *outcome);
}

}  // extern "C"
