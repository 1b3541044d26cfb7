// XCVmem (loads and stores with post-increment or register offset), XCVhwlp and XCVbi.
#include "decode.h"

namespace heed {

namespace {

using U = uint32_t;

constexpr Row load_imm(U funct3, Code code) {
    return {0x707f, funct3 << 12 | 0x0b, HEED_GROUP_XCV_MEM, Form::I, code, nullptr, true};
}

constexpr Row load_reg(U funct7, Code code) {
    return {0xfe00707f, funct7 << 25 | 0x302b, HEED_GROUP_XCV_MEM, Form::R, code, nullptr, true};
}

constexpr Row store_imm(U funct3, Code code) {
    return {0x707f, funct3 << 12 | 0x2b, HEED_GROUP_XCV_MEM, Form::S, code};
}

constexpr Row store_reg(U funct7, Code code) {
    return {0xfe00707f, funct7 << 25 | 0x302b, HEED_GROUP_XCV_MEM, Form::S_REG, code};
}

constexpr Row loop(U mask, U match) {
    return {mask, match, HEED_GROUP_XCV_HWLP, Form::LOOP, Code::LOOP};
}

// The number in bits 24:20 goes where rs2 of the other branches is: it is the instruction's own.
uint32_t number(uint32_t insn) { return uint32_t(int32_t(insn << 7) >> 27); }
U equal(U a, U, U, U insn) { return a == number(insn); }
U not_equal(U a, U, U, U insn) { return a != number(insn); }

const Row rows[] = {
    load_imm(0, Code::LB_POST),
    load_imm(1, Code::LH_POST),
    load_imm(2, Code::LW_POST),
    load_imm(4, Code::LBU_POST),
    load_imm(5, Code::LHU_POST),
    load_reg(0x00, Code::LB_POST),
    load_reg(0x01, Code::LH_POST),
    load_reg(0x02, Code::LW_POST),
    load_reg(0x08, Code::LBU_POST),
    load_reg(0x09, Code::LHU_POST),
    load_reg(0x04, Code::LB),
    load_reg(0x05, Code::LH),
    load_reg(0x06, Code::LW),
    load_reg(0x0c, Code::LBU),
    load_reg(0x0d, Code::LHU),
    store_imm(0, Code::SB_POST),
    store_imm(1, Code::SH_POST),
    store_imm(2, Code::SW_POST),
    store_reg(0x10, Code::SB_POST),
    store_reg(0x11, Code::SH_POST),
    store_reg(0x12, Code::SW_POST),
    store_reg(0x14, Code::SB),
    store_reg(0x15, Code::SH),
    store_reg(0x16, Code::SW),
    loop(0x000fff7f, 0x402b),
    loop(0xfff07f7f, 0x412b),
    loop(0x000fff7f, 0x422b),
    loop(0xfff07f7f, 0x432b),
    loop(0x000fff7f, 0x442b),
    loop(0xfff07f7f, 0x452b),
    loop(0x00007f7f, 0x462b),
    loop(0x00007f7f, 0x472b),
    {0x707f, 0x600b, HEED_GROUP_XCV_BI, Form::B_IMM, Code::BRANCH, equal},
    {0x707f, 0x700b, HEED_GROUP_XCV_BI, Form::B_IMM, Code::BRANCH, not_equal},
};

}  // namespace

Rows xcv_memory_rows() { return {rows, sizeof rows / sizeof *rows}; }

}  // namespace heed
