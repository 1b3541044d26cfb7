// XCVsimd: packed bytes and halves.
#include <utility>
#include <vector>

#include "decode.h"

namespace heed {

namespace {

using U = uint32_t;
using S = int32_t;

template <class T> T lane(U word, unsigned index) { return T(word >> 8 * sizeof(T) * index); }

template <class T> constexpr unsigned LANES = 4 / sizeof(T);

// Operations on two lanes of type T.
#define LANE_OPERATION(name, expression)                                                           \
    struct name {                                                                                  \
        template <class T> static U apply(T a, T b) {                                              \
            constexpr unsigned last [[maybe_unused]] = 8 * sizeof(T) - 1;                          \
            return U(expression);                                                                  \
        }                                                                                          \
    };

LANE_OPERATION(Add, a + b)
LANE_OPERATION(Sub, a - b)
LANE_OPERATION(Average, T(a + b) >> 1)
LANE_OPERATION(Min, a < b ? a : b)
LANE_OPERATION(Max, a > b ? a : b)
LANE_OPERATION(ShiftRight, a >> (b & last))
LANE_OPERATION(ShiftLeft, U(a) << (b & last))
LANE_OPERATION(Or, a | b)
LANE_OPERATION(Xor, a ^ b)
LANE_OPERATION(And, a & b)
LANE_OPERATION(Equal, -(a == b))
LANE_OPERATION(NotEqual, -(a != b))
LANE_OPERATION(Greater, -(a > b))
LANE_OPERATION(GreaterEqual, -(a >= b))
LANE_OPERATION(Less, -(a < b))
LANE_OPERATION(LessEqual, -(a <= b))

#undef LANE_OPERATION

// SCALAR: lane 0 of b serves all lanes.
template <class Operation, class T, bool SCALAR> U lanes(U a, U b, U, U) {
    U result = 0, mask = (1u << (8 * sizeof(T))) - 1;
    for (unsigned i = 0; i < LANES<T>; i++) {
        U value = Operation::template apply<T>(lane<T>(a, i), lane<T>(b, SCALAR ? 0 : i));
        result |= (value & mask) << 8 * sizeof(T) * i;
    }
    return result;
}

// Lanes of a are of type A, those of b of type B.
template <class A, class B, bool SCALAR, bool ADD> U dot(U a, U b, U c, U) {
    U sum = ADD ? c : 0;
    for (unsigned i = 0; i < LANES<A>; i++)
        sum += U(S(lane<A>(a, i))) * U(S(lane<B>(b, SCALAR ? 0 : i)));
    return sum;
}

template <class T> U abs_lanes(U a, U, U, U) {
    U result = 0, mask = (1u << (8 * sizeof(T))) - 1;
    for (unsigned i = 0; i < LANES<T>; i++) {
        int value = lane<T>(a, i);
        result |= (U(value < 0 ? -value : value) & mask) << 8 * sizeof(T) * i;
    }
    return result;
}

U number(U insn) { return (insn >> 19 & 0x3e) | (insn >> 25 & 1); }

template <class T> U extract(U a, U, U, U insn) {
    return U(S(lane<T>(a, number(insn) & (LANES<T> - 1))));
}

template <class T> U insert(U a, U, U c, U insn) {
    U shift = 8 * sizeof(T) * (number(insn) & (LANES<T> - 1));
    U mask = ((1u << (8 * sizeof(T))) - 1) << shift;
    return (c & ~mask) | (a << shift & mask);
}

// Each lane of the result is the lane of a that the same lane of b names; with TWO a further bit
// chooses between a (1) and c.
template <class T, bool TWO> U shuffle(U a, U b, U c, U) {
    U result = 0;
    for (unsigned i = 0; i < LANES<T>; i++) {
        U choice = lane<T>(b, i);
        U from = !TWO || (choice & LANES<T>) ? a : c;
        result |= U(lane<T>(from, choice & (LANES<T> - 1))) << 8 * sizeof(T) * i;
    }
    return result;
}

U shuffle_imm_h(U a, U, U, U insn) {
    U choice = number(insn);
    return U(lane<uint16_t>(a, choice & 1)) | U(lane<uint16_t>(a, choice >> 1 & 1)) << 16;
}

template <unsigned TOP> U shuffle_imm_b(U a, U, U, U insn) {
    U choice = number(insn) | TOP << 6, result = 0;
    for (unsigned i = 0; i < 4; i++)
        result |= U(lane<uint8_t>(a, choice >> 2 * i & 3)) << 8 * i;
    return result;
}

U pack(U a, U b, U, U) { return a << 16 | (b & 0xffff); }
U pack_h(U a, U b, U, U) { return (a & 0xffff0000) | b >> 16; }
U packhi(U a, U b, U c, U) { return a << 24 | (b & 0xff) << 16 | (c & 0xffff); }
U packlo(U a, U b, U c, U) { return (c & 0xffff0000) | (a & 0xff) << 8 | (b & 0xff); }

// Complex numbers: the real part is the low half. A product's sum is cut to 32 bits.

S re(U word) { return int16_t(word); }
S im(U word) { return int16_t(word >> 16); }
U complex(U real, U imaginary) { return imaginary << 16 | (real & 0xffff); }

template <unsigned SHIFT> U product_re(U a, U b, U c, U) {
    S value = S(int64_t(re(a)) * re(b) - int64_t(im(a)) * im(b));
    return (c & 0xffff0000) | (U(value >> (15 + SHIFT)) & 0xffff);
}

template <unsigned SHIFT> U product_im(U a, U b, U c, U) {
    S value = S(int64_t(re(a)) * im(b) + int64_t(im(a)) * re(b));
    return U(value >> (15 + SHIFT)) << 16 | (c & 0xffff);
}

U conjugate(U a, U, U, U) { return complex(U(re(a)), U(-im(a))); }

U halved(S value, unsigned shift) { return U(int16_t(value) >> shift); }

template <unsigned SHIFT> U sub_rotate(U a, U b, U, U) {
    return complex(halved(im(a) - im(b), SHIFT), halved(re(b) - re(a), SHIFT));
}

template <unsigned SHIFT> U add_shift(U a, U b, U, U) {
    return complex(halved(re(a) + re(b), SHIFT), halved(im(a) + im(b), SHIFT));
}

template <unsigned SHIFT> U sub_shift(U a, U b, U, U) {
    return complex(halved(re(a) - re(b), SHIFT), halved(im(a) - im(b), SHIFT));
}

enum Funct3 { H = 0, B = 1, SC_H = 4, SC_B = 5, SCI_H = 6, SCI_B = 7 };

// Builds the table: bits 31:26 choose the operation, funct3 lanes and kind of operand.
class Builder {
public:
    std::vector<Row> rows;

    void add(U mask, U match, Form form, Function function) {
        rows.push_back({mask, match | 0x7b, HEED_GROUP_XCV_SIMD, form, Code::COMPUTE, function});
    }
    void reg(U funct7, U funct3, Function function, Form form = Form::R) {
        U mask = form == Form::ONE ? 0xfff0707f : 0xfe00707f;
        add(mask, funct7 << 25 | funct3 << 12, form, function);
    }
    void imm(U funct6, U funct3, Function function, Form form) {
        add(0xfc00707f, funct6 << 26 | funct3 << 12, form, function);
    }

    // All six forms of an operation; bytes and halves of types T8 and T16.
    template <class Operation, class T8, class T16> void all(U funct6, bool unsigned_imm) {
        reg(funct6 << 1, H, lanes<Operation, T16, false>);
        reg(funct6 << 1, B, lanes<Operation, T8, false>);
        reg(funct6 << 1, SC_H, lanes<Operation, T16, true>);
        reg(funct6 << 1, SC_B, lanes<Operation, T8, true>);
        imm(funct6, SCI_H, lanes<Operation, T16, false>,
            unsigned_imm ? Form::SIMD_HU : Form::SIMD_H);
        imm(funct6, SCI_B, lanes<Operation, T8, false>,
            unsigned_imm ? Form::SIMD_BU : Form::SIMD_B);
    }
    template <class Operation> void is_signed(U funct6, bool unsigned_imm = false) {
        all<Operation, int8_t, int16_t>(funct6, unsigned_imm);
    }
    template <class Operation> void is_unsigned(U funct6) {
        all<Operation, uint8_t, uint16_t>(funct6, true);
    }

    template <class A8, class B8, class A16, class B16, bool ADD>
    void dots(U funct6, bool unsigned_imm) {
        Form form = ADD ? Form::R_RD : Form::R;
        reg(funct6 << 1, H, dot<A16, B16, false, ADD>, form);
        reg(funct6 << 1, B, dot<A8, B8, false, ADD>, form);
        reg(funct6 << 1, SC_H, dot<A16, B16, true, ADD>, form);
        reg(funct6 << 1, SC_B, dot<A8, B8, true, ADD>, form);
        const Form plain[] = {Form::SIMD_B, Form::SIMD_BU, Form::SIMD_H, Form::SIMD_HU};
        const Form with_rd[] = {Form::SIMD_B_RD, Form::SIMD_BU_RD, Form::SIMD_H_RD,
                                Form::SIMD_HU_RD};
        const Form *forms = ADD ? with_rd : plain;
        imm(funct6, SCI_B, dot<A8, B8, false, ADD>, forms[unsigned_imm]);
        imm(funct6, SCI_H, dot<A16, B16, false, ADD>, forms[2 + unsigned_imm]);
    }

    void arithmetic() {
        is_signed<Add>(0x00);
        is_signed<Sub>(0x02);
        is_signed<Average>(0x04);
        is_unsigned<Average>(0x06);
        is_signed<Min>(0x08);
        is_unsigned<Min>(0x0a);
        is_signed<Max>(0x0c);
        is_unsigned<Max>(0x0e);
        is_unsigned<ShiftRight>(0x10);
        is_signed<ShiftRight>(0x12, true);
        is_unsigned<ShiftLeft>(0x14);
        is_signed<Or>(0x16);
        is_signed<Xor>(0x18);
        is_signed<And>(0x1a);
        // The field of rs2 may hold anything.
        add(0xfe00707f, 0x38u << 25 | H << 12, Form::ONE, abs_lanes<int16_t>);
        add(0xfe00707f, 0x38u << 25 | B << 12, Form::ONE, abs_lanes<int8_t>);
    }

    void comparisons() {
        is_signed<Equal>(0x01);
        is_signed<NotEqual>(0x03);
        is_signed<Greater>(0x05);
        is_signed<GreaterEqual>(0x07);
        is_signed<Less>(0x09);
        is_signed<LessEqual>(0x0b);
        is_unsigned<Greater>(0x0d);
        is_unsigned<GreaterEqual>(0x0f);
        is_unsigned<Less>(0x11);
        is_unsigned<LessEqual>(0x13);
    }

    template <bool ADD> void all_dots(U first) {
        dots<uint8_t, uint8_t, uint16_t, uint16_t, ADD>(first, true);
        dots<uint8_t, int8_t, uint16_t, int16_t, ADD>(first + 2, false);
        dots<int8_t, int8_t, int16_t, int16_t, ADD>(first + 4, false);
    }

    void moves() {
        imm(0x2e, 0, extract<int16_t>, Form::ONE);
        imm(0x2e, 1, extract<int8_t>, Form::ONE);
        imm(0x2e, 2, extract<uint16_t>, Form::ONE);
        imm(0x2e, 3, extract<uint8_t>, Form::ONE);
        imm(0x2e, 4, insert<uint16_t>, Form::ONE_RD);
        imm(0x2e, 5, insert<uint8_t>, Form::ONE_RD);
        reg(0x60, H, shuffle<uint16_t, false>);
        reg(0x60, B, shuffle<uint8_t, false>);
        imm(0x30, SCI_H, shuffle_imm_h, Form::ONE);
        imm(0x30, SCI_B, shuffle_imm_b<0>, Form::ONE);
        imm(0x32, SCI_B, shuffle_imm_b<1>, Form::ONE);
        imm(0x34, SCI_B, shuffle_imm_b<2>, Form::ONE);
        imm(0x36, SCI_B, shuffle_imm_b<3>, Form::ONE);
        reg(0x70, H, shuffle<uint16_t, true>, Form::R_RD);
        reg(0x70, B, shuffle<uint8_t, true>, Form::R_RD);
        reg(0x78, H, pack);
        reg(0x79, H, pack_h);
        reg(0x7d, B, packhi, Form::R_RD);
        reg(0x7c, B, packlo, Form::R_RD);
    }

    void complex_numbers() {
        reg(0x2a, 0, product_re<0>, Form::R_RD);
        reg(0x2a, 2, product_re<1>, Form::R_RD);
        reg(0x2a, 4, product_re<2>, Form::R_RD);
        reg(0x2a, 6, product_re<3>, Form::R_RD);
        reg(0x2b, 0, product_im<0>, Form::R_RD);
        reg(0x2b, 2, product_im<1>, Form::R_RD);
        reg(0x2b, 4, product_im<2>, Form::R_RD);
        reg(0x2b, 6, product_im<3>, Form::R_RD);
        reg(0x2e, 0, conjugate, Form::ONE);
        reg(0x32, 0, sub_rotate<0>);
        reg(0x32, 2, sub_rotate<1>);
        reg(0x32, 4, sub_rotate<2>);
        reg(0x32, 6, sub_rotate<3>);
        reg(0x36, 2, add_shift<1>);
        reg(0x36, 4, add_shift<2>);
        reg(0x36, 6, add_shift<3>);
        reg(0x3a, 2, sub_shift<1>);
        reg(0x3a, 4, sub_shift<2>);
        reg(0x3a, 6, sub_shift<3>);
    }
};

std::vector<Row> build() {
    Builder builder;
    builder.arithmetic();
    builder.comparisons();
    builder.all_dots<false>(0x20);
    builder.all_dots<true>(0x26);
    builder.moves();
    builder.complex_numbers();
    return std::move(builder.rows);
}

}  // namespace

Rows xcv_simd_rows() {
    static const std::vector<Row> rows = build();
    return {rows.data(), unsigned(rows.size())};
}

}  // namespace heed
