// From instruction words to operations that are quick to execute.
#pragma once
#include <cstdint>

#include "config.h"

namespace heed {

// What `execute` does. COMPUTE calls the operation's function; some frequent ones have their own.
enum class Code : uint8_t {
    UNDECODED,  // nothing here yet
    ILLEGAL,
    COMPUTE,    // rd = function(rs1, operand, rs3, insn)
    DIVIDE,     // the same, by the divider
    ADD,
    SUB,
    SLL,
    SLT,
    SLTU,
    XOR,
    SRL,
    SRA,
    OR,
    AND,
    AUIPC,
    MUL,
    JAL,
    JALR,
    BEQ,
    BNE,
    BLT,
    BGE,
    BLTU,
    BGEU,
    BRANCH,  // taken if function(rs1, 0, 0, insn)
    LB,
    LH,
    LW,
    LBU,
    LHU,
    LB_POST,
    LH_POST,
    LW_POST,
    LBU_POST,
    LHU_POST,
    SB,
    SH,
    SW,
    SB_POST,
    SH_POST,
    SW_POST,
    LR,
    SC,
    AMO,
    CSR,
    LOOP,
    ECALL,
    EBREAK,
    MRET,
    WFI,
    FENCE,
    FENCE_I,
};

using Function = uint32_t (*)(uint32_t a, uint32_t b, uint32_t c, uint32_t insn);

// Register 32 takes the writes to x0.
constexpr uint8_t SINK = 32;

// A decoded instruction. Its operand b is x[rs2] + imm: one of them is 0. Loads and stores add the
// same to x[rs1]; what a store writes is in rs3. With post-increment the new base goes to base_rd.
struct Op {
    Code code;
    uint8_t rd, rs1, rs2, rs3, base_rd;
    uint8_t late;  // rd, when its result comes a cycle later than others; else 0
    uint32_t imm;
    uint32_t insn;
    uint32_t uses;  // bit r: reads or writes register r, so that it waits for a late result
    Function function;
};

enum class Form : uint8_t {
    NONE,        // no operands
    R,           // rd, rs1, rs2
    R_RD,        // the same, reads rd
    ONE,         // rd, rs1
    ONE_RD,      // the same, reads rd
    I,           // rd, rs1, signed 12 bits
    SHIFT,       // rd, rs1, bits 24:20
    U,           // rd, upper 20 bits
    J,           // rd, jump offset
    B,           // rs1, rs2, branch offset
    B_IMM,       // rs1, branch offset; compares with bits 24:20
    S,           // rs1, store offset, data rs2
    S_REG,       // rs1, store offset in the register of field rd, data rs2
    CSR,         // rd, rs1
    CSR_IMM,     // rd, field rs1 a number
    LOOP,        // rs1
    SIMD_B, SIMD_H,      // rd, rs1, signed 6 bits in every byte or half
    SIMD_BU, SIMD_HU,    // the same, unsigned
    SIMD_B_RD, SIMD_H_RD, SIMD_BU_RD, SIMD_HU_RD,  // the same, read rd
};

struct Row {
    uint32_t mask, match;
    heed_group group;
    Form form;
    Code code;
    Function function = nullptr;
    bool late = false;
};

struct Rows {
    const Row *first;
    unsigned count;
};

// The tables, one a file.
Rows base_rows();
Rows multiply_rows();
Rows xcv_memory_rows();
Rows xcv_scalar_rows();
Rows xcv_mac_rows();
Rows xcv_simd_rows();
Rows xheed_rows();

// Decodes a word for cores with these extensions (bits heed_group).
Op decode(uint32_t word, uint32_t groups);

}  // namespace heed
