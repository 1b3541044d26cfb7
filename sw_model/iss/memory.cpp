// Memory regions, atomics and reservations.
#include "memory.h"

#include <sys/mman.h>

#include <new>

#include "heed_regs.h"

namespace heed {

namespace {

// Zeros that take no memory before they are written.
void *map_zeros(size_t bytes) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *found = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (found == MAP_FAILED) throw std::bad_alloc();
    return found;
}

size_t op_bytes(const Region &region) { return size_t(region.bytes) / 4 * sizeof(Op); }
size_t pieces(const Region &region) { return (region.bytes >> Region::PIECE_BITS) + 1; }

void open(Region &region, uint32_t base, uint32_t bytes) {
    region.base = base;
    region.bytes = bytes;
    region.data = static_cast<uint8_t *>(map_zeros(bytes));
    region.ops = static_cast<Op *>(map_zeros(op_bytes(region)));
    region.decoded = static_cast<uint8_t *>(map_zeros(pieces(region)));
}

void close(Region &region) {
    munmap(region.data, region.bytes);
    munmap(region.ops, op_bytes(region));
    munmap(region.decoded, pieces(region));
}

bool holds_all(const Region &region, uint32_t address, uint32_t count) {
    return region.holds(address) && count <= region.bytes - (address - region.base);
}

}  // namespace

uint32_t amo_result(AmoOp op, uint32_t old, uint32_t operand) {
    switch (op) {
    case AmoOp::SWAP: return operand;
    case AmoOp::ADD: return old + operand;
    case AmoOp::XOR: return old ^ operand;
    case AmoOp::AND: return old & operand;
    case AmoOp::OR: return old | operand;
    case AmoOp::MIN: return int32_t(old) < int32_t(operand) ? old : operand;
    case AmoOp::MAX: return int32_t(old) > int32_t(operand) ? old : operand;
    case AmoOp::MINU: return old < operand ? old : operand;
    case AmoOp::MAXU: return old > operand ? old : operand;
    }
    return old;
}

Memory::Memory(const heed_config &configuration) : config(configuration) {
    open(tcdm, HEED_TCDM_BASE, config.tcdm_bytes);
    open(main, HEED_MAIN_BASE, config.main_bytes);
}

Memory::~Memory() {
    close(tcdm);
    close(main);
}

void Memory::decode_at(Region &region, uint32_t address) {
    uint32_t offset = address - region.base, word;
    std::memcpy(&word, region.data + offset, 4);
    region.ops[offset >> 2] = decode(word, config.groups);
    region.decoded[offset >> Region::PIECE_BITS] = 1;
}

void Memory::break_reservations(uint32_t address, uint32_t kept) {
    for (unsigned hart = 0; hart < MAX_HARTS; hart++)
        if ((reserved & ~kept) >> hart & 1 && reservation[hart] == (address & ~3u))
            reserved &= ~(1u << hart);
}

bool Memory::load_reserved(unsigned hart, uint32_t address, uint32_t &value) {
    Region *region = find(address);
    if (!region) return false;
    std::memcpy(&value, region->data + (address - region->base), 4);
    reserved |= 1u << hart;
    reservation[hart] = address;
    return true;
}

bool Memory::store_conditional(unsigned hart, uint32_t address, uint32_t value, bool &success) {
    Region *region = find(address);
    if (!region) return false;
    success = (reserved >> hart & 1) && reservation[hart] == address;
    reserved &= ~(1u << hart);
    if (success) store(*region, hart, address, 4, value);
    return true;
}

bool Memory::amo(unsigned hart, AmoOp op, uint32_t address, uint32_t operand, uint32_t &old) {
    Region *region = find(address);
    if (!region) return false;
    std::memcpy(&old, region->data + (address - region->base), 4);
    store(*region, hart, address, 4, amo_result(op, old, operand));
    return true;
}

bool Memory::read(uint32_t address, void *bytes, uint32_t count) {
    if (!count) return true;
    Region *region = find(address);
    if (!region || !holds_all(*region, address, count)) return false;
    std::memcpy(bytes, region->data + (address - region->base), count);
    return true;
}

bool Memory::write(uint32_t address, const void *bytes, uint32_t count) {
    if (!count) return true;
    Region *region = find(address);
    if (!region || !holds_all(*region, address, count)) return false;
    std::memcpy(region->data + (address - region->base), bytes, count);
    changed(address, count);
    return true;
}

void Memory::changed(uint32_t address, uint32_t count) {
    Region *region = find(address);
    if (!region || !count) return;
    uint32_t first = (address - region->base) & ~3u, last = address - region->base + count - 1;
    constexpr uint32_t piece = 1u << Region::PIECE_BITS;
    for (uint32_t offset = first; offset <= last; offset = (offset | (piece - 1)) + 1) {
        if (!region->decoded[offset >> Region::PIECE_BITS]) continue;
        uint32_t end = (offset | (piece - 1)) < last ? (offset | (piece - 1)) : last;
        for (uint32_t word = offset; word <= end; word += 4) region->forget(word);
    }
    for (unsigned hart = 0; hart < MAX_HARTS; hart++)
        if ((reserved >> hart & 1) && reservation[hart] - (region->base + first) <= last - first)
            reserved &= ~(1u << hart);
}

}  // namespace heed
