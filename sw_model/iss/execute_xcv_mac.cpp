// XCVmac: products and sums of products, by the multiplier.
#include "decode.h"

namespace heed {

namespace {

using U = uint32_t;
using S = int32_t;

U mac(U a, U b, U c, U) { return c + a * b; }
U msu(U a, U b, U c, U) { return c - a * b; }

// The product of two halves, perhaps added to c, rounded and shifted right; sums are 32 bits.
template <bool UNSIGNED, bool HIGH, bool ADD, bool ROUND> U halves(U a, U b, U c, U insn) {
    U shift = insn >> 25 & 31;
    if (HIGH) a >>= 16, b >>= 16;
    U sum = UNSIGNED ? U(uint16_t(a)) * uint16_t(b) : U(S(int16_t(a)) * S(int16_t(b)));
    if (ADD) sum += c;
    if (ROUND) sum += 1u << shift >> 1;
    return UNSIGNED ? sum >> shift : U(S(sum) >> shift);
}

constexpr Row row(U mask, U match, Form form, Function function) {
    return {mask, match, HEED_GROUP_XCV_MAC, form, Code::COMPUTE, function, true};
}

constexpr Row product(U funct2, U funct3, Function function) {
    Form form = funct3 & 2 ? Form::R_RD : Form::R;
    return row(0xc000707f, funct2 << 30 | funct3 << 12 | 0x5b, form, function);
}

const Row rows[] = {
    row(0xfe00707f, 0x9000302b, Form::R_RD, mac),
    row(0xfe00707f, 0x9200302b, Form::R_RD, msu),
    product(0, 4, halves<false, false, false, false>),
    product(1, 4, halves<false, true, false, false>),
    product(2, 4, halves<false, false, false, true>),
    product(3, 4, halves<false, true, false, true>),
    product(0, 5, halves<true, false, false, false>),
    product(1, 5, halves<true, true, false, false>),
    product(2, 5, halves<true, false, false, true>),
    product(3, 5, halves<true, true, false, true>),
    product(0, 6, halves<false, false, true, false>),
    product(1, 6, halves<false, true, true, false>),
    product(2, 6, halves<false, false, true, true>),
    product(3, 6, halves<false, true, true, true>),
    product(0, 7, halves<true, false, true, false>),
    product(1, 7, halves<true, true, true, false>),
    product(2, 7, halves<true, false, true, true>),
    product(3, 7, halves<true, true, true, true>),
};

}  // namespace

Rows xcv_mac_rows() { return {rows, sizeof rows / sizeof *rows}; }

}  // namespace heed
