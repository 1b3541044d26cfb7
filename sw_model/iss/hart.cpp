// Traps, and single steps with their records.
#include "hart.h"

#include "execute.h"
#include "heed_regs.h"

namespace heed {

namespace {

// Passes accesses on and notes them in the record.
class Recorder {
public:
    Recorder(Bus &bus, heed_retire &record) : bus(bus), record(record) {}

    Access load(uint32_t address, unsigned size, uint32_t &value) {
        Access access = bus.load(address, size, value);
        if (access == Access::DONE) read(address, size, value);
        return access;
    }
    Access store(uint32_t address, unsigned size, uint32_t value) {
        Access access = bus.store(address, size, value);
        if (access == Access::DONE) written(address, size, value);
        return access;
    }
    Access load_reserved(uint32_t address, uint32_t &value) {
        Access access = bus.load_reserved(address, value);
        if (access == Access::DONE) read(address, 4, value);
        return access;
    }
    Access store_conditional(uint32_t address, uint32_t value, bool &success) {
        Access access = bus.store_conditional(address, value, success);
        if (access == Access::DONE && success) written(address, 4, value);
        return access;
    }
    Access amo(AmoOp op, uint32_t address, uint32_t operand, uint32_t &old) {
        Access access = bus.amo(op, address, operand, old);
        if (access != Access::DONE) return access;
        read(address, 4, old);
        written(address, 4, operand);
        return access;
    }
    uint32_t csr(uint32_t address, uint32_t own) { return bus.csr(address, own); }
    Access sleep() { return bus.sleep(); }

private:
    static uint8_t mask(unsigned size) { return uint8_t((1u << size) - 1); }

    void read(uint32_t address, unsigned size, uint32_t value) {
        record.mem_addr = address;
        record.mem_rmask = mask(size);
        record.mem_rdata = value;
    }
    void written(uint32_t address, unsigned size, uint32_t value) {
        record.mem_addr = address;
        record.mem_wmask = mask(size);
        record.mem_wdata = value;
    }

    Bus &bus;
    heed_retire &record;
};

uint8_t destination(uint8_t rd) { return rd == SINK ? 0 : rd; }

}  // namespace

void Hart::trap(uint32_t cause, uint32_t value, uint32_t insn, bool is_interrupt) {
    trap_cause = uint32_t(is_interrupt) << 31 | cause;
    trap_value = value;
    trap_pc = pc;
    trap_insn = insn;
    late = 0;
    pc = csrs.enter(pc, cause, value, is_interrupt);
}

void Hart::interrupt(uint32_t cause) {
    trap(cause, 0, 0, true);
    interrupted = true;
    interrupt_cause = cause;
}

heed_retire Hart::step(Bus &bus) {
    heed_retire record = {};
    record.pc = pc;
    Op op = {};
    op.rd = op.base_rd = SINK;
    uint32_t word = 0;
    uint32_t next = pc + 4;
    uint64_t began = time;
    Flow flow = Flow::TRAP;
    Access fetched = bus.fetch(pc, word);
    waiting = fetched == Access::WAIT;
    if (waiting) return record;
    if (fetched == Access::FAULT) {
        raise(FETCH_FAULT, pc);
    } else {
        op = decode(word, config.groups);
        Recorder recorder(bus, record);
        wait_for_operands(*this, op);
        if (op.code == Code::DIVIDE) begin_division(*this, op);
        flow = execute(*this, op, next, recorder);
        waiting = flow == Flow::WAIT;
        if (waiting) return record;
    }
    record.insn = word;
    record.irq = interrupted;
    record.irq_cause = uint8_t(interrupted ? interrupt_cause : 0);
    interrupted = false;
    record.time = time;
    leave(*this, op, flow, next, pc - HEED_TCDM_BASE < config.tcdm_bytes, began);
    if (record.mem_rmask || record.mem_wmask) record.mem_time = record.time;
    if (flow == Flow::TRAP) {
        record.trap = 1;
        record.cause = uint8_t(trap_cause);
        trap(trap_cause, trap_value, word);
        record.next_pc = pc;
        return record;
    }
    retired++;
    last_pc = pc;
    pc = flow == Flow::NEXT ? after_loops(*this, next) : next;
    record.next_pc = pc;
    record.rd_addr = destination(op.rd);
    if (record.rd_addr) record.rd_wdata = x[op.rd];
    record.rd2_addr = destination(op.base_rd);
    if (record.rd2_addr) record.rd2_wdata = x[op.base_rd];
    return record;
}

}  // namespace heed
