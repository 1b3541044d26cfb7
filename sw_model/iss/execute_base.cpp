// RV32I, Zicsr, Zifencei and the A extension.
#include "decode.h"

namespace heed {

namespace {

constexpr Row base(uint32_t mask, uint32_t match, Form form, Code code, bool late = false) {
    return {mask, match, HEED_GROUP_BASE, form, code, nullptr, late};
}

constexpr Row reg(uint32_t funct7, uint32_t funct3, Code code) {
    return base(0xfe00707f, funct7 << 25 | funct3 << 12 | 0x33, Form::R, code);
}

constexpr Row imm(uint32_t funct3, Code code) {
    return base(0x707f, funct3 << 12 | 0x13, Form::I, code);
}

constexpr Row shift(uint32_t funct7, uint32_t funct3, Code code) {
    return base(0xfe00707f, funct7 << 25 | funct3 << 12 | 0x13, Form::SHIFT, code);
}

constexpr Row branch(uint32_t funct3, Code code) {
    return base(0x707f, funct3 << 12 | 0x63, Form::B, code);
}

constexpr Row load(uint32_t funct3, Code code) {
    return base(0x707f, funct3 << 12 | 0x03, Form::I, code, true);
}

constexpr Row store(uint32_t funct3, Code code) {
    return base(0x707f, funct3 << 12 | 0x23, Form::S, code);
}

constexpr Row csr(uint32_t funct3) {
    return base(0x707f, funct3 << 12 | 0x73, funct3 & 4 ? Form::CSR_IMM : Form::CSR, Code::CSR);
}

constexpr Row system(uint32_t word, Code code) { return base(0xffffffff, word, Form::NONE, code); }

constexpr Row atomic(uint32_t funct5, Code code) {
    uint32_t mask = code == Code::LR ? 0xf9f0707f : 0xf800707f;
    return {mask, funct5 << 27 | 0x202f, HEED_GROUP_A, Form::R, code, nullptr, true};
}

const Row rows[] = {
    base(0x7f, 0x37, Form::U, Code::ADD),
    base(0x7f, 0x17, Form::U, Code::AUIPC),
    base(0x7f, 0x6f, Form::J, Code::JAL),
    base(0x707f, 0x67, Form::I, Code::JALR),
    branch(0, Code::BEQ),
    branch(1, Code::BNE),
    branch(4, Code::BLT),
    branch(5, Code::BGE),
    branch(6, Code::BLTU),
    branch(7, Code::BGEU),
    load(0, Code::LB),
    load(1, Code::LH),
    load(2, Code::LW),
    load(4, Code::LBU),
    load(5, Code::LHU),
    store(0, Code::SB),
    store(1, Code::SH),
    store(2, Code::SW),
    imm(0, Code::ADD),
    imm(2, Code::SLT),
    imm(3, Code::SLTU),
    imm(4, Code::XOR),
    imm(6, Code::OR),
    imm(7, Code::AND),
    shift(0x00, 1, Code::SLL),
    shift(0x00, 5, Code::SRL),
    shift(0x20, 5, Code::SRA),
    reg(0x00, 0, Code::ADD),
    reg(0x20, 0, Code::SUB),
    reg(0x00, 1, Code::SLL),
    reg(0x00, 2, Code::SLT),
    reg(0x00, 3, Code::SLTU),
    reg(0x00, 4, Code::XOR),
    reg(0x00, 5, Code::SRL),
    reg(0x20, 5, Code::SRA),
    reg(0x00, 6, Code::OR),
    reg(0x00, 7, Code::AND),
    base(0x707f, 0x000f, Form::NONE, Code::FENCE),
    base(0x707f, 0x100f, Form::NONE, Code::FENCE_I),
    system(0x00000073, Code::ECALL),
    system(0x00100073, Code::EBREAK),
    system(0x30200073, Code::MRET),
    system(0x10500073, Code::WFI),
    csr(1),
    csr(2),
    csr(3),
    csr(5),
    csr(6),
    csr(7),
    atomic(0x02, Code::LR),
    atomic(0x03, Code::SC),
    atomic(0x01, Code::AMO),
    atomic(0x00, Code::AMO),
    atomic(0x04, Code::AMO),
    atomic(0x0c, Code::AMO),
    atomic(0x08, Code::AMO),
    atomic(0x10, Code::AMO),
    atomic(0x14, Code::AMO),
    atomic(0x18, Code::AMO),
    atomic(0x1c, Code::AMO),
};

}  // namespace

Rows base_rows() { return {rows, sizeof rows / sizeof *rows}; }

}  // namespace heed
