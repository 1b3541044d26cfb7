#include "coverage.h"

#include "lockstep_table.h"

namespace heed {

namespace {

constexpr unsigned CACHE = 1 << 12;
constexpr uint32_t LOOP_MASK = 0x707F, LOOP_MATCH = 0x402B, BRANCH = 0x63, BRANCH_IMM = 0x0B;
constexpr uint32_t SC_MASK = 0xF800707F, SC_MATCH = 0x1800202F, MAIN_BIT = 0x80000000;

std::string list(const uint64_t *values, size_t count) {
    std::string text = "[";
    for (size_t i = 0; i < count; ++i) text += (i ? "," : "") + std::to_string(values[i]);
    return text + "]";
}

}  // namespace

Coverage::Coverage(unsigned harts) : rows(kTableRows), cached(CACHE) {
    for (auto &counts : loop_counts) counts.assign(harts, 0);
}

// Index of the instruction's row. The cache holds index + 1 above the word.
unsigned Coverage::row(uint32_t insn) {
    uint64_t &place = cached[(insn ^ insn >> 12 ^ insn >> 20) % CACHE];
    if (place && uint32_t(place) == insn) return unsigned(place >> 32) - 1;
    unsigned index = 0;
    while (index < kTableRows && (insn & kTable[index].mask) != kTable[index].match) ++index;
    place = uint64_t(index + 1) << 32 | insn;
    return index;
}

void Coverage::count(unsigned hart, const heed_retire &record, const Hart &model) {
    if (record.irq) ++interrupts[record.irq_cause];
    if (record.trap) ++exceptions[record.cause];
    bool writes_loop = (record.insn & LOOP_MASK) == LOOP_MATCH;
    for (unsigned loop = 0; loop < 2; ++loop) {
        uint32_t now = model.loop_count[loop], &before = loop_counts[loop][hart];
        if (!writes_loop && now != before) ++loop_ends[loop];
        before = now;
    }
    bool always = record.trap && (record.cause == ECALL || record.cause == BREAKPOINT);
    if (record.trap && !always) return;
    unsigned index = row(record.insn);
    if (index < kTableRows) ++rows[index];
    uint32_t opcode = record.insn & 0x7F;
    if ((opcode == BRANCH || opcode == BRANCH_IMM) && record.next_pc != record.pc + 4) ++taken;
    if ((record.insn & SC_MASK) == SC_MATCH) {
        // A failed one does not say where; its address is still in the register.
        uint32_t address = record.mem_addr ? record.mem_addr : model.reg(record.insn >> 15 & 31);
        ++conditional[(address & MAIN_BIT) != 0][record.mem_wmask != 0];
    }
}

std::string Coverage::json() const {
    return "\"rows\": " + list(rows.data(), rows.size()) + ", \"exceptions\": " +
           list(exceptions, 32) + ", \"interrupts\": " + list(interrupts, 32) +
           ", \"loop_ends\": " + list(loop_ends, 2) + ", \"taken\": " + std::to_string(taken) +
           ", \"conditional\": " + list(&conditional[0][0], 4) +
           ", \"refused\": " + std::to_string(refused);
}

}  // namespace heed
