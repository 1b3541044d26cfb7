// XCValu and XCVbitmanip: instructions on whole words, results in one cycle.
#include "decode.h"

namespace heed {

namespace {

using U = uint32_t;
using S = int32_t;

// XCValu.

U abs_word(U a, U, U, U) { return S(a) < 0 ? 0 - a : a; }
U sle(U a, U b, U, U) { return S(a) <= S(b); }
U sleu(U a, U b, U, U) { return a <= b; }
U min(U a, U b, U, U) { return S(a) < S(b) ? a : b; }
U minu(U a, U b, U, U) { return a < b ? a : b; }
U max(U a, U b, U, U) { return S(a) < S(b) ? b : a; }
U maxu(U a, U b, U, U) { return a < b ? b : a; }
U exths(U a, U, U, U) { return U(int16_t(a)); }
U exthz(U a, U, U, U) { return uint16_t(a); }
U extbs(U a, U, U, U) { return U(int8_t(a)); }
U extbz(U a, U, U, U) { return uint8_t(a); }

// Between low and high; high is not negative.
U clip_to(U a, S low, S high) { return S(a) <= low ? U(low) : S(a) >= high ? U(high) : a; }

S high_of(U bits) { return bits ? S((1u << (bits - 1)) - 1) : 0; }
U clip(U a, U b, U, U) { return clip_to(a, -high_of(b) - 1, high_of(b)); }
U clipu(U a, U b, U, U) { return clip_to(a, 0, high_of(b)); }

// Bounds in registers lose their sign.
U clipr(U a, U b, U, U) { return clip_to(a, -S(b & 0x7fffffff) - 1, S(b & 0x7fffffff)); }
U clipur(U a, U b, U, U) { return clip_to(a, 0, S(b & 0x7fffffff)); }

template <bool SUBTRACT, bool UNSIGNED, bool ROUND> U sum_shifted(U a, U b, U shift) {
    U sum = SUBTRACT ? a - b : a + b;
    if (ROUND) sum += 1u << shift >> 1;
    return UNSIGNED ? sum >> shift : U(S(sum) >> shift);
}

template <bool SUBTRACT, bool UNSIGNED, bool ROUND> U sum_imm(U a, U b, U, U insn) {
    return sum_shifted<SUBTRACT, UNSIGNED, ROUND>(a, b, insn >> 25 & 31);
}

template <bool SUBTRACT, bool UNSIGNED, bool ROUND> U sum_reg(U a, U b, U c, U) {
    return sum_shifted<SUBTRACT, UNSIGNED, ROUND>(c, a, b & 31);
}

// XCVbitmanip. A field is `width` bits from `low` on, cut off at bit 31.

struct Field {
    U low, width;

    Field(U first, U bits_less_one) : low(first), width(bits_less_one + 1) {
        if (low + width > 32) width = 32 - low;
    }
    U ones() const { return width == 32 ? ~0u : (1u << width) - 1; }
    U mask() const { return ones() << low; }
};

Field of_insn(U insn) { return Field(insn >> 20 & 31, insn >> 25 & 31); }
Field of_register(U b) { return Field(b & 31, b >> 5 & 31); }

U extracted(U a, Field f) { return U(S(a << (32 - f.low - f.width)) >> (32 - f.width)); }
U extracted_unsigned(U a, Field f) { return a >> f.low & f.ones(); }
U inserted(U a, U c, Field f) { return (c & ~f.mask()) | (a << f.low & f.mask()); }

U extract(U a, U, U, U insn) { return extracted(a, of_insn(insn)); }
U extractu(U a, U, U, U insn) { return extracted_unsigned(a, of_insn(insn)); }
U insert(U a, U, U c, U insn) { return inserted(a, c, of_insn(insn)); }
U bclr(U a, U, U, U insn) { return a & ~of_insn(insn).mask(); }
U bset(U a, U, U, U insn) { return a | of_insn(insn).mask(); }
U extractr(U a, U b, U, U) { return extracted(a, of_register(b)); }
U extractur(U a, U b, U, U) { return extracted_unsigned(a, of_register(b)); }
U insertr(U a, U b, U c, U) { return inserted(a, c, of_register(b)); }
U bclrr(U a, U b, U, U) { return a & ~of_register(b).mask(); }
U bsetr(U a, U b, U, U) { return a | of_register(b).mask(); }

U ror(U a, U b, U, U) { return a >> (b & 31) | a << (-b & 31); }
U ff1(U a, U, U, U) { return a ? U(__builtin_ctz(a)) : 32; }
U fl1(U a, U, U, U) { return a ? 31 - U(__builtin_clz(a)) : 32; }
U clb(U a, U, U, U) { return a ? U(__builtin_clrsb(S(a))) : 0; }
U cnt(U a, U, U, U) { return U(__builtin_popcount(a)); }

// Groups of bits change places, from the highest on; bits that make no whole group are lost.
U bitrev(U a, U, U, U insn) {
    U size = (insn >> 25 & 3) + 1;
    if (size == 4) size = 1;
    U from = a << (insn >> 20 & 31), result = 0, ones = (1u << size) - 1;
    for (U group = 0; group < 32 / size; group++)
        result |= (from >> (32 - size * (group + 1)) & ones) << (size * group);
    return result;
}

constexpr U BY_FUNCT7 = 0xfe00707f, NO_RS2 = 0xfff0707f, BY_FUNCT2 = 0xc000707f;

constexpr Row alu(U funct7, Function function, Form form = Form::R) {
    U mask = form == Form::ONE ? NO_RS2 : BY_FUNCT7;
    return {mask, funct7 << 25 | 0x302b, HEED_GROUP_XCV_ALU, form, Code::COMPUTE, function};
}

constexpr Row sum(U funct2, U funct3, Function function) {
    return {BY_FUNCT2, funct2 << 30 | funct3 << 12 | 0x5b, HEED_GROUP_XCV_ALU, Form::R,
            Code::COMPUTE, function};
}

constexpr Row bits(U funct7, Function function, Form form = Form::R) {
    U mask = form == Form::ONE ? NO_RS2 : BY_FUNCT7;
    return {mask, funct7 << 25 | 0x302b, HEED_GROUP_XCV_BITMANIP, form, Code::COMPUTE, function};
}

constexpr Row field(U funct2, U funct3, Function function, Form form = Form::ONE) {
    return {BY_FUNCT2, funct2 << 30 | funct3 << 12 | 0x5b, HEED_GROUP_XCV_BITMANIP, form,
            Code::COMPUTE, function};
}

const Row rows[] = {
    alu(0x28, abs_word, Form::ONE),
    alu(0x29, sle),
    alu(0x2a, sleu),
    alu(0x2b, min),
    alu(0x2c, minu),
    alu(0x2d, max),
    alu(0x2e, maxu),
    alu(0x30, exths, Form::ONE),
    alu(0x31, exthz, Form::ONE),
    alu(0x32, extbs, Form::ONE),
    alu(0x33, extbz, Form::ONE),
    alu(0x38, clip, Form::SHIFT),
    alu(0x39, clipu, Form::SHIFT),
    alu(0x3a, clipr),
    alu(0x3b, clipur),
    sum(0, 2, sum_imm<false, false, false>),
    sum(1, 2, sum_imm<false, true, false>),
    sum(2, 2, sum_imm<false, false, true>),
    sum(3, 2, sum_imm<false, true, true>),
    sum(0, 3, sum_imm<true, false, false>),
    sum(1, 3, sum_imm<true, true, false>),
    sum(2, 3, sum_imm<true, false, true>),
    sum(3, 3, sum_imm<true, true, true>),
    alu(0x40, sum_reg<false, false, false>, Form::R_RD),
    alu(0x41, sum_reg<false, true, false>, Form::R_RD),
    alu(0x42, sum_reg<false, false, true>, Form::R_RD),
    alu(0x43, sum_reg<false, true, true>, Form::R_RD),
    alu(0x44, sum_reg<true, false, false>, Form::R_RD),
    alu(0x45, sum_reg<true, true, false>, Form::R_RD),
    alu(0x46, sum_reg<true, false, true>, Form::R_RD),
    alu(0x47, sum_reg<true, true, true>, Form::R_RD),
    field(0, 0, extract),
    field(1, 0, extractu),
    field(2, 0, insert, Form::ONE_RD),
    field(0, 1, bclr),
    field(1, 1, bset),
    field(3, 1, bitrev),
    bits(0x18, extractr),
    bits(0x19, extractur),
    bits(0x1a, insertr, Form::R_RD),
    bits(0x1c, bclrr),
    bits(0x1d, bsetr),
    bits(0x20, ror),
    bits(0x21, ff1, Form::ONE),
    bits(0x22, fl1, Form::ONE),
    bits(0x23, clb, Form::ONE),
    bits(0x24, cnt, Form::ONE),
};

}  // namespace

Rows xcv_scalar_rows() { return {rows, sizeof rows / sizeof *rows}; }

}  // namespace heed
