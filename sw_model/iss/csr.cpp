// Control and status registers: which there are, and what reads and writes do.
#include "csr.h"

#include "hart.h"

namespace heed {

namespace {

enum Address : uint32_t {
    MSTATUS = 0x300, MISA = 0x301, MIE = 0x304, MTVEC = 0x305, MSTATUSH = 0x310,
    MCOUNTINHIBIT = 0x320, MHPMEVENT = 0x320,
    MSCRATCH = 0x340, MEPC = 0x341, MCAUSE = 0x342, MTVAL = 0x343, MIP = 0x344,
    MCYCLE = 0xb00, MINSTRET = 0xb02, MCYCLEH = 0xb80, MINSTRETH = 0xb82,
    CYCLE = 0xc00, INSTRET = 0xc02, CYCLEH = 0xc80, INSTRETH = 0xc82,
    LOOP_FIRST = 0xcc0, LOOP_LAST = 0xcc6, LOOP_GAP = 0xcc3,
    MVENDORID = 0xf11, MARCHID = 0xf12, MIMPID = 0xf13, MHARTID = 0xf14, MCONFIGPTR = 0xf15,
};

constexpr uint32_t INTERRUPTS = 1u << 3 | 1u << 7 | 1u << 11;

uint32_t low(uint64_t value) { return uint32_t(value); }
uint32_t high(uint64_t value) { return uint32_t(value >> 32); }
uint64_t with_low(uint64_t value, uint32_t half) { return (value >> 32 << 32) | half; }
uint64_t with_high(uint64_t value, uint32_t half) { return uint64_t(half) << 32 | low(value); }

// The number of a performance counter's register within a block of 32.
bool in_counters(uint32_t address, uint32_t first) {
    return address >= first + 3 && address < first + 32;
}

}  // namespace

// One of the counters 3 and on that are there.
bool Csrs::is_counter(uint32_t address, uint32_t first) const {
    return in_counters(address, first) && address - first - 3 < config.event_counters;
}

bool Csrs::legal(uint32_t address, bool writes) const {
    if (writes && address >> 10 == 3) return false;
    switch (address) {
    case MSTATUS: case MISA: case MIE: case MTVEC: case MSTATUSH: case MCOUNTINHIBIT:
    case MSCRATCH: case MEPC: case MCAUSE: case MTVAL: case MIP:
    case MCYCLE: case MINSTRET: case MCYCLEH: case MINSTRETH:
    case CYCLE: case INSTRET: case CYCLEH: case INSTRETH:
    case MVENDORID: case MARCHID: case MIMPID: case MHARTID: case MCONFIGPTR: return true;
    }
    if (address >= LOOP_FIRST && address <= LOOP_LAST)
        return address != LOOP_GAP && (config.groups >> HEED_GROUP_XCV_HWLP & 1);
    return in_counters(address, MHPMEVENT) || in_counters(address, MCYCLE) ||
           in_counters(address, MCYCLEH);
}

uint32_t Csrs::read(const Hart &hart, uint32_t address) const {
    switch (address) {
    case MSTATUS: return 3u << 11 | uint32_t(was_enabled) << 7 | uint32_t(enabled) << 3;
    case MISA: {
        uint32_t letters = 1u << ('I' - 'A');
        if (config.groups >> HEED_GROUP_M & 1) letters |= 1u << ('M' - 'A');
        if (config.groups >> HEED_GROUP_A & 1) letters |= 1u;
        return 1u << 30 | letters;
    }
    case MIE: return mie;
    case MTVEC: return mtvec;
    case MCOUNTINHIBIT: return inhibited;
    case MSCRATCH: return mscratch;
    case MEPC: return mepc;
    case MCAUSE: return mcause;
    case MTVAL: return mtval;
    case MIP: return mip;
    case MCYCLE: case CYCLE: return low(cycle.read(hart.time));
    case MCYCLEH: case CYCLEH: return high(cycle.read(hart.time));
    case MINSTRET: case INSTRET: return low(instret.read(hart.retired));
    case MINSTRETH: case INSTRETH: return high(instret.read(hart.retired));
    case MHARTID: return hart_id;
    }
    if (address >= LOOP_FIRST && address <= LOOP_LAST) {
        uint32_t loop = (address - LOOP_FIRST) / 4;
        const uint32_t values[] = {hart.loop_start[loop], hart.loop_end[loop],
                                   hart.loop_count[loop]};
        return values[(address - LOOP_FIRST) % 4];
    }
    if (is_counter(address, MHPMEVENT)) return selected[address - MHPMEVENT - 3];
    if (is_counter(address, MCYCLE)) return low(counted[address - MCYCLE - 3]);
    if (is_counter(address, MCYCLEH)) return high(counted[address - MCYCLEH - 3]);
    return 0;
}

// Counters go on from what was written, in the cycle (or with the instruction) after this one.
void Csrs::write(Hart &hart, uint32_t address, uint32_t value) {
    uint64_t now = hart.time, next = now + 1;
    uint64_t done = hart.retired, more = done + 1;
    switch (address) {
    case MSTATUS:
        enabled = value >> 3 & 1;
        was_enabled = value >> 7 & 1;
        break;
    case MIE: mie = value & INTERRUPTS; break;
    case MTVEC: mtvec = value & ~2u; break;
    case MCOUNTINHIBIT: inhibit(hart, value); break;
    case MSCRATCH: mscratch = value; break;
    case MEPC: mepc = value & ~3u; break;
    case MCAUSE: mcause = value & 0x8000001f; break;
    case MTVAL: mtval = value; break;
    case MCYCLE: cycle.write(next, with_low(cycle.read(now), value)); break;
    case MCYCLEH: cycle.write(next, with_high(cycle.read(now), value)); break;
    case MINSTRET: instret.write(more, with_low(instret.read(done), value)); break;
    case MINSTRETH: instret.write(more, with_high(instret.read(done), value)); break;
    default:
        if (is_counter(address, MHPMEVENT)) {
            selected[address - MHPMEVENT - 3] = value & 0xff;
            watch();
        } else if (is_counter(address, MCYCLE)) {
            uint64_t &counter = counted[address - MCYCLE - 3];
            counter = with_low(counter, value);
        } else if (is_counter(address, MCYCLEH)) {
            uint64_t &counter = counted[address - MCYCLEH - 3];
            counter = with_high(counter, value);
        }
    }
}

// The instruction that inhibits a counter is not counted itself; the one that lets it go on is.
void Csrs::inhibit(Hart &hart, uint32_t value) {
    inhibited = value & (5u | ((1u << config.event_counters) - 1) << 3);
    cycle.stop(hart.time, inhibited & 1);
    instret.stop(hart.retired, inhibited >> 2 & 1);
    watch();
}

void Csrs::watch() {
    watched = 0;
    for (unsigned i = 0; i < config.event_counters; i++)
        if (!(inhibited >> (3 + i) & 1)) watched |= selected[i];
}

void Csrs::count(Event event, uint64_t cycles) {
    for (unsigned i = 0; i < config.event_counters; i++)
        if (!(inhibited >> (3 + i) & 1) && (selected[i] >> unsigned(event) & 1))
            counted[i] += cycles;
}

uint32_t Csrs::pending() const {
    if (!enabled) return 0;
    constexpr uint32_t PRIORITY[] = {11, 3, 7};
    for (uint32_t code : PRIORITY)
        if (awake() >> code & 1) return code;
    return 0;
}

uint32_t Csrs::enter(uint32_t pc, uint32_t cause, uint32_t value, bool interrupt) {
    was_enabled = enabled;
    enabled = false;
    mepc = pc;
    mcause = uint32_t(interrupt) << 31 | cause;
    mtval = value;
    return (mtvec & ~3u) + (interrupt && (mtvec & 1) ? 4 * cause : 0);
}

uint32_t Csrs::leave() {
    enabled = was_enabled;
    was_enabled = true;
    return mepc;
}

}  // namespace heed
