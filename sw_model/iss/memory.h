// The memories that hold programs and data, with what was decoded of them.
#pragma once
#include <cstdint>
#include <cstring>

#include "bus.h"
#include "config.h"
#include "decode.h"

namespace heed {

constexpr unsigned MAX_HARTS = 16;

// One memory: its bytes and, for each word, the operation decoded from it.
struct Region {
    uint32_t base = 0, bytes = 0;
    uint8_t *data = nullptr;
    Op *ops = nullptr;
    uint8_t *decoded = nullptr;  // a flag for each piece of PIECE bytes: ops were decoded there

    static constexpr unsigned PIECE_BITS = 8;

    bool holds(uint32_t address) const { return address - base < bytes; }
    void forget(uint32_t offset) {
        if (decoded[offset >> PIECE_BITS]) ops[offset >> 2].code = Code::UNDECODED;
    }
};

class Memory {
public:
    explicit Memory(const heed_config &config);
    ~Memory();
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;

    Region tcdm, main;

    // The memory that holds an address, or null.
    Region *find(uint32_t address) {
        return tcdm.holds(address) ? &tcdm : main.holds(address) ? &main : nullptr;
    }

    // The operation at an address in `region`; decodes it if need be.
    const Op &op(Region &region, uint32_t address) {
        Op &op = region.ops[(address - region.base) >> 2];
        if (op.code == Code::UNDECODED) decode_at(region, address);
        return op;
    }

    // A hart's store to `region`.
    void store(Region &region, unsigned hart, uint32_t address, unsigned size, uint32_t value) {
        uint32_t offset = address - region.base;
        std::memcpy(region.data + offset, &value, size);
        region.forget(offset);
        if (reserved) break_reservations(address, 1u << hart);
    }

    // Atomics of a hart; false where there is none.
    bool load_reserved(unsigned hart, uint32_t address, uint32_t &value);
    bool store_conditional(unsigned hart, uint32_t address, uint32_t value, bool &success);
    bool amo(unsigned hart, AmoOp op, uint32_t address, uint32_t operand, uint32_t &old);

    void drop_reservations() { reserved = 0; }

    // Copies from and to the host or a device; false when a byte lies in no memory.
    bool read(uint32_t address, void *bytes, uint32_t count);
    bool write(uint32_t address, const void *bytes, uint32_t count);
    // To be called when someone wrote to the bytes behind the memory's back.
    void changed(uint32_t address, uint32_t count);

private:
    void decode_at(Region &region, uint32_t address);
    void break_reservations(uint32_t address, uint32_t kept);

    const heed_config &config;
    uint32_t reserved = 0;  // bit h: hart h has a reservation
    uint32_t reservation[MAX_HARTS] = {};
};

}  // namespace heed
