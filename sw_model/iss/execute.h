// Executes decoded instructions: the one definition of what they do, for any bus.
#pragma once
#include <algorithm>
#include <type_traits>

#include "hart.h"
#include "heed_regs.h"
#include "timing.h"

namespace heed {

enum class Flow : uint8_t {
    NEXT,      // go on behind the instruction, or at a hardware loop's start
    REDIRECT,  // go on at `next`: a jump, or what starts the fetch anew
    TRAP,      // nothing was done; `raise` says why
    WAIT,      // nothing was done; try again
};

// The parts of `execute` that need a line or two more. `next` is pc + 4 when they are called.
template <class Bus> class Executor {
public:
    Executor(Hart &h, const Op &op, uint32_t &next, Bus &bus) : h(h), op(op), next(next), bus(bus) {}

    Flow write(uint32_t value) {
        h.x[op.rd] = value;
        return Flow::NEXT;
    }

    Flow raise(uint32_t cause, uint32_t value) {
        h.raise(cause, value);
        return Flow::TRAP;
    }

    Flow jump(uint32_t target) {
        if (target & 2) return raise(FETCH_MISALIGNED, target);
        next = target;
        return Flow::REDIRECT;
    }

    Flow link(uint32_t target) {
        uint32_t after = next;
        Flow flow = jump(target);
        if (flow == Flow::REDIRECT) h.x[op.rd] = after;
        return flow;
    }

    Flow branch(bool taken) { return taken ? jump(h.pc + op.imm) : Flow::NEXT; }

    template <class T, bool POST> Flow load() {
        uint32_t base = h.x[op.rs1], offset = h.x[op.rs2] + op.imm, value = 0;
        uint32_t address = POST ? base : base + offset;
        if (address & (sizeof(T) - 1)) return raise(LOAD_MISALIGNED, address);
        Access access = bus.load(address, sizeof(T), value);
        if (access != Access::DONE) return failed(access, LOAD_FAULT, address);
        if (POST) h.x[op.base_rd] = base + offset;
        return write(std::is_signed<T>::value ? uint32_t(int32_t(T(value))) : uint32_t(T(value)));
    }

    template <class T, bool POST> Flow store() {
        uint32_t base = h.x[op.rs1], offset = h.x[op.rs2] + op.imm;
        uint32_t address = POST ? base : base + offset;
        if (address & (sizeof(T) - 1)) return raise(STORE_MISALIGNED, address);
        Access access = bus.store(address, sizeof(T), T(h.x[op.rs3]));
        if (access != Access::DONE) return failed(access, STORE_FAULT, address);
        if (POST) h.x[op.base_rd] = base + offset;
        return Flow::NEXT;
    }

    Flow load_reserved() {
        uint32_t address = h.x[op.rs1], value = 0;
        if (address & 3) return raise(LOAD_MISALIGNED, address);
        Access access = bus.load_reserved(address, value);
        return access == Access::DONE ? write(value) : failed(access, LOAD_FAULT, address);
    }

    Flow store_conditional() {
        uint32_t address = h.x[op.rs1];
        bool success = false;
        if (address & 3) return raise(STORE_MISALIGNED, address);
        Access access = bus.store_conditional(address, h.x[op.rs2], success);
        return access == Access::DONE ? write(!success) : failed(access, STORE_FAULT, address);
    }

    Flow amo() {
        uint32_t address = h.x[op.rs1], old = 0;
        if (address & 3) return raise(STORE_MISALIGNED, address);
        Access access = bus.amo(operation(), address, h.x[op.rs2], old);
        return access == Access::DONE ? write(old) : failed(access, STORE_FAULT, address);
    }

    Flow csr() {
        uint32_t funct3 = op.insn >> 12 & 7, address = op.insn >> 20;
        bool always = (funct3 & 3) == 1;
        bool writes = always || (op.insn >> 15 & 31);
        if (!h.csrs.legal(address, writes)) return raise(ILLEGAL, op.insn);
        uint32_t old = bus.csr(address, h.csrs.read(h, address));
        uint32_t operand = h.x[op.rs1] + op.imm;
        uint32_t bits[] = {0, operand, old | operand, old & ~operand};
        if (writes) {
            h.csrs.write(h, address, bits[funct3 & 3]);
            h.limit = 0;  // an interrupt may be due now
        }
        return write(old);
    }

    // The two hardware loops; bits 11:8 say what is written, bit 7 which loop's.
    Flow loop() {
        unsigned loop = op.insn >> 7 & 1;
        uint32_t number = op.insn >> 20, value = h.x[op.rs1] & ~3u;
        switch (op.insn >> 8 & 7) {
        case 0: h.loop_start[loop] = h.pc + 4 * number; break;
        case 1: h.loop_start[loop] = value; break;
        case 2: h.loop_end[loop] = h.pc + 4 * number; break;
        case 3: h.loop_end[loop] = value; break;
        case 4: h.loop_count[loop] = number; break;
        case 5: h.loop_count[loop] = h.x[op.rs1]; break;
        case 6: set_up(loop, op.insn >> 15 & 31, number); break;
        case 7: set_up(loop, number, h.x[op.rs1]); break;
        }
        return Flow::REDIRECT;
    }

    Flow leave_handler() {
        next = h.csrs.leave();
        h.limit = 0;
        return Flow::REDIRECT;
    }

    Flow sleep() {
        settle();
        return bus.sleep() == Access::DONE ? Flow::NEXT : Flow::WAIT;
    }

    Flow fence(Flow flow) {
        settle();
        return flow;
    }

private:
    // Waits until memory has answered all accesses.
    void settle() {
        if (h.last_tcdm == h.time) h.time += TIMING.after_tcdm;
    }

    Flow failed(Access access, uint32_t fault, uint32_t address) {
        return access == Access::WAIT ? Flow::WAIT : raise(fault, address);
    }

    void set_up(unsigned loop, uint32_t words, uint32_t count) {
        h.loop_start[loop] = next;
        h.loop_end[loop] = h.pc + 4 * words;
        h.loop_count[loop] = count;
    }

    AmoOp operation() const {
        switch (op.insn >> 27) {
        case 0x00: return AmoOp::ADD;
        case 0x04: return AmoOp::XOR;
        case 0x0c: return AmoOp::AND;
        case 0x08: return AmoOp::OR;
        case 0x10: return AmoOp::MIN;
        case 0x14: return AmoOp::MAX;
        case 0x18: return AmoOp::MINU;
        case 0x1c: return AmoOp::MAXU;
        default: return AmoOp::SWAP;
        }
    }

    Hart &h;
    const Op &op;
    uint32_t &next;
    Bus &bus;
};

// Executes the instruction at h.pc. `next` is pc + 4, and where to go on afterwards.
template <class Bus>
[[gnu::always_inline]] inline Flow execute(Hart &h, const Op &op, uint32_t &next, Bus &bus) {
    Executor<Bus> e(h, op, next, bus);
    uint32_t a = h.x[op.rs1], b = h.x[op.rs2] + op.imm;
    switch (op.code) {
    case Code::COMPUTE: case Code::DIVIDE: return e.write(op.function(a, b, h.x[op.rs3], op.insn));
    case Code::ADD: return e.write(a + b);
    case Code::SUB: return e.write(a - b);
    case Code::SLL: return e.write(a << (b & 31));
    case Code::SLT: return e.write(int32_t(a) < int32_t(b));
    case Code::SLTU: return e.write(a < b);
    case Code::XOR: return e.write(a ^ b);
    case Code::SRL: return e.write(a >> (b & 31));
    case Code::SRA: return e.write(uint32_t(int32_t(a) >> (b & 31)));
    case Code::OR: return e.write(a | b);
    case Code::AND: return e.write(a & b);
    case Code::AUIPC: return e.write(h.pc + b);
    case Code::MUL: return e.write(a * b);
    case Code::JAL: return e.link(h.pc + op.imm);
    case Code::JALR: return e.link((a + b) & ~1u);
    case Code::BEQ: return e.branch(a == h.x[op.rs2]);
    case Code::BNE: return e.branch(a != h.x[op.rs2]);
    case Code::BLT: return e.branch(int32_t(a) < int32_t(h.x[op.rs2]));
    case Code::BGE: return e.branch(int32_t(a) >= int32_t(h.x[op.rs2]));
    case Code::BLTU: return e.branch(a < h.x[op.rs2]);
    case Code::BGEU: return e.branch(a >= h.x[op.rs2]);
    case Code::BRANCH: return e.branch(op.function(a, 0, 0, op.insn));
    case Code::LB: return e.template load<int8_t, false>();
    case Code::LH: return e.template load<int16_t, false>();
    case Code::LW: return e.template load<uint32_t, false>();
    case Code::LBU: return e.template load<uint8_t, false>();
    case Code::LHU: return e.template load<uint16_t, false>();
    case Code::LB_POST: return e.template load<int8_t, true>();
    case Code::LH_POST: return e.template load<int16_t, true>();
    case Code::LW_POST: return e.template load<uint32_t, true>();
    case Code::LBU_POST: return e.template load<uint8_t, true>();
    case Code::LHU_POST: return e.template load<uint16_t, true>();
    case Code::SB: return e.template store<uint8_t, false>();
    case Code::SH: return e.template store<uint16_t, false>();
    case Code::SW: return e.template store<uint32_t, false>();
    case Code::SB_POST: return e.template store<uint8_t, true>();
    case Code::SH_POST: return e.template store<uint16_t, true>();
    case Code::SW_POST: return e.template store<uint32_t, true>();
    case Code::LR: return e.load_reserved();
    case Code::SC: return e.store_conditional();
    case Code::AMO: return e.amo();
    case Code::CSR: return e.csr();
    case Code::LOOP: return e.loop();
    case Code::ECALL: return e.raise(ECALL, 0);
    case Code::EBREAK: return e.raise(BREAKPOINT, h.pc);
    case Code::MRET: return e.leave_handler();
    case Code::WFI: return e.sleep();
    case Code::FENCE: return e.fence(Flow::NEXT);
    case Code::FENCE_I: return e.fence(Flow::REDIRECT);
    case Code::UNDECODED: case Code::ILLEGAL: break;
    }
    return e.raise(ILLEGAL, op.insn);
}

// Where an instruction that neither jumped nor wrote loop registers goes on.
inline uint32_t after_loops(Hart &h, uint32_t next) {
    for (unsigned loop = 0; loop < 2; loop++) {
        if (!h.loop_count[loop] || h.loop_end[loop] != next) continue;
        return --h.loop_count[loop] ? h.loop_start[loop] : next;
    }
    return next;
}

// The estimate: waits until what an instruction needs is there. Its own result is noted as late
// before it is executed: a blocking access, whose result is not, takes that back.
inline void wait_for_operands(Hart &h, const Op &op) {
    uint32_t waits = op.uses >> h.late & 1;
    h.time += waits;
    h.late = op.late;
    if (waits && h.csrs.counting()) h.csrs.count(Event::OPERAND, 1);
    if (!h.divide_uses) return;
    bool needs = (op.uses & h.divide_uses) || op.code == Code::DIVIDE;
    if (needs && h.time < h.divided) {
        h.csrs.count(Event::UNIT, h.divided - h.time);
        h.time = h.divided;
    }
    if (h.time >= h.divided) h.divide_uses = 0;
}

// The estimate: a division begins.
inline void begin_division(Hart &h, const Op &op) {
    uint32_t a = h.x[op.rs1], b = h.x[op.rs2];
    h.divided = h.time + division_cycles(a, b, op.insn >> 12 & 3);
    h.divide_uses = 1u | (op.rd == SINK ? 0 : 1u << op.rd);
}

// The estimate: an instruction from TCDM leaves, which came at `began`, towards another one there.
inline void leave_within_tcdm(Hart &h, uint64_t began, bool jumps) {
    bool accesses = h.last_tcdm == h.time + 1;
    h.time = std::max(h.time + 1, began + TIMING.tcdm_fetch);
    if (accesses) h.time += TIMING.tcdm_access;
    if (jumps) h.time += TIMING.tcdm_jump;
    h.late = 0;
}

// The estimate: what event counters see of an instruction that leaves.
inline void count_events(Hart &h, const Op &op, Flow flow, uint64_t fetch) {
    if (flow != Flow::NEXT) h.csrs.count(Event::REDIRECT, 1);
    h.csrs.count(Event::FETCH, fetch);
    if (flow == Flow::TRAP) return;
    bool atomic = op.code >= Code::LR && op.code <= Code::AMO;
    if (atomic || (op.code >= Code::LB && op.code <= Code::LHU_POST))
        h.csrs.count(Event::LOAD, 1);
    if (op.code >= Code::SB && op.code <= Code::SW_POST) h.csrs.count(Event::STORE, 1);
}

// The estimate: the instruction at h.pc leaves, which came at `began`, and goes on at `next`.
inline void leave(Hart &h, const Op &op, Flow flow, uint32_t next, bool from_tcdm, uint64_t began) {
    uint64_t executed = h.time + 1;
    if (flow == Flow::TRAP) next = h.csrs.mtvec;
    bool redirect = flow != Flow::NEXT;
    bool to_tcdm = redirect ? next - HEED_TCDM_BASE < h.config.tcdm_bytes : from_tcdm;
    if (from_tcdm && to_tcdm)
        leave_within_tcdm(h, began, redirect && next != h.pc + 4);
    else
        h.time = executed + (redirect ? TIMING.redirect + (to_tcdm ? TIMING.tcdm_entry : 0) : 0);
    if (h.csrs.counting()) count_events(h, op, flow, h.time - executed);
}

}  // namespace heed
