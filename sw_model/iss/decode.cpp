// Looks a word up in the tables of instructions and takes its operands out.
#include "decode.h"

#include <vector>

namespace heed {

namespace {

// Rows by their lowest seven bits, which every row fixes.
class Table {
public:
    Table() {
        for (Rows rows : {base_rows(), multiply_rows(), xcv_memory_rows(), xcv_scalar_rows(),
                          xcv_mac_rows(), xcv_simd_rows(), xheed_rows()})
            for (unsigned i = 0; i < rows.count; i++)
                by_opcode[rows.first[i].match & 0x7f].push_back(&rows.first[i]);
    }

    const Row *find(uint32_t word, uint32_t groups) const {
        for (const Row *row : by_opcode[word & 0x7f])
            if ((word & row->mask) == row->match && (groups >> row->group & 1)) return row;
        return nullptr;
    }

private:
    std::vector<const Row *> by_opcode[128];
};

int32_t sign_extend(uint32_t value, unsigned bits) {
    return int32_t(value << (32 - bits)) >> (32 - bits);
}

uint32_t branch_offset(uint32_t word) {
    uint32_t offset = (word >> 7 & 0x1e) | (word >> 20 & 0x7e0) | (word << 4 & 0x800);
    return offset | (int32_t(word) < 0 ? 0xfffff000u : 0);
}

uint32_t jump_offset(uint32_t word) {
    uint32_t offset = (word >> 20 & 0x7fe) | (word >> 9 & 0x800) | (word & 0xff000);
    return offset | (int32_t(word) < 0 ? 0xfff00000u : 0);
}

// The 6-bit operand of packed instructions, in every byte or half.
uint32_t replicated(uint32_t word, bool bytes, bool is_unsigned) {
    uint32_t number = (word >> 19 & 0x3e) | (word >> 25 & 1);
    uint32_t value = is_unsigned ? number : uint32_t(sign_extend(number, 6));
    return bytes ? (value & 0xff) * 0x01010101u : (value & 0xffff) * 0x00010001u;
}

struct Fields {
    uint8_t rd, rs1, rs2;
    explicit Fields(uint32_t word)
        : rd(word >> 7 & 31), rs1(word >> 15 & 31), rs2(word >> 20 & 31) {}
};

bool reads_rd(Form form) {
    switch (form) {
    case Form::R_RD: case Form::ONE_RD: case Form::SIMD_B_RD: case Form::SIMD_H_RD:
    case Form::SIMD_BU_RD: case Form::SIMD_HU_RD: return true;
    default: return false;
    }
}

bool is_post(Code code) {
    return (code >= Code::LB_POST && code <= Code::LHU_POST) ||
           (code >= Code::SB_POST && code <= Code::SW_POST);
}

// Sets registers and immediate; `written` says whether there is an rd.
void take_operands(Op &op, Form form, const Fields &f, bool &written) {
    uint32_t word = op.insn;
    written = true;
    op.rs1 = f.rs1;
    if (reads_rd(form)) op.rs3 = f.rd;
    switch (form) {
    case Form::R: case Form::R_RD: op.rs2 = f.rs2; break;
    case Form::ONE: case Form::ONE_RD: case Form::CSR: break;
    case Form::I: op.imm = uint32_t(int32_t(word) >> 20); break;
    case Form::SHIFT: op.imm = f.rs2; break;
    case Form::U: op.rs1 = 0; op.imm = word & 0xfffff000; break;
    case Form::J: op.rs1 = 0; op.imm = jump_offset(word); break;
    case Form::B: op.rs2 = f.rs2; op.imm = branch_offset(word); written = false; break;
    case Form::B_IMM: op.imm = branch_offset(word); written = false; break;
    case Form::S:
        op.rs3 = f.rs2;
        op.imm = uint32_t(int32_t(word & 0xfe000000) >> 20) | f.rd;
        written = false;
        break;
    case Form::S_REG: op.rs3 = f.rs2; op.rs2 = f.rd; written = false; break;
    case Form::CSR_IMM: op.rs1 = 0; op.imm = f.rs1; break;
    case Form::LOOP: written = false; break;
    case Form::NONE: op.rs1 = 0; written = false; break;
    case Form::SIMD_B: case Form::SIMD_B_RD: op.imm = replicated(word, true, false); break;
    case Form::SIMD_H: case Form::SIMD_H_RD: op.imm = replicated(word, false, false); break;
    case Form::SIMD_BU: case Form::SIMD_BU_RD: op.imm = replicated(word, true, true); break;
    case Form::SIMD_HU: case Form::SIMD_HU_RD: op.imm = replicated(word, false, true); break;
    }
}

}  // namespace

Op decode(uint32_t word, uint32_t groups) {
    static const Table table;
    Op op = {};
    op.insn = word;
    op.rd = op.base_rd = SINK;
    const Row *row = table.find(word, groups | 1u << HEED_GROUP_BASE);
    if (!row) {
        op.code = Code::ILLEGAL;
        return op;
    }
    op.code = row->code;
    op.function = row->function;
    Fields f(word);
    bool written;
    take_operands(op, row->form, f, written);
    if (written && f.rd) op.rd = f.rd;
    if (row->late && op.rd != SINK) op.late = op.rd;
    // A loaded value wins over the new base.
    if (is_post(op.code) && f.rs1 && !(written && f.rd == f.rs1)) op.base_rd = f.rs1;
    uint32_t registers = 1u << op.rs1 | 1u << op.rs2 | 1u << op.rs3;
    if (op.rd != SINK) registers |= 1u << op.rd;
    op.uses = registers & ~1u;
    return op;
}

}  // namespace heed
