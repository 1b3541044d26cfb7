// What a hart's single step asks of the world around it.
#pragma once
#include <cstdint>

namespace heed {

enum class Access {
    DONE,
    FAULT,  // access fault
    WAIT,   // no answer yet: the instruction is to be tried again
};

enum class AmoOp { SWAP, ADD, XOR, AND, OR, MIN, MAX, MINU, MAXU };

uint32_t amo_result(AmoOp op, uint32_t old, uint32_t operand);

// Addresses are aligned to the access's size (1, 2 or 4 bytes). Loaded values are zero-extended,
// stored ones hold nothing beyond their size.
class Bus {
public:
    virtual ~Bus() = default;
    virtual Access fetch(uint32_t address, uint32_t &word) = 0;
    virtual Access load(uint32_t address, unsigned size, uint32_t &value) = 0;
    virtual Access store(uint32_t address, unsigned size, uint32_t value) = 0;
    virtual Access load_reserved(uint32_t address, uint32_t &value) = 0;
    virtual Access store_conditional(uint32_t address, uint32_t value, bool &success) = 0;
    virtual Access amo(AmoOp op, uint32_t address, uint32_t operand, uint32_t &old) = 0;
    // The value that a CSR reads; `own` is what the hart makes of it.
    virtual uint32_t csr(uint32_t /*address*/, uint32_t own) { return own; }
    // Whether a wfi goes on; WAIT lets it be tried again.
    virtual Access sleep() { return Access::DONE; }
};

}  // namespace heed
