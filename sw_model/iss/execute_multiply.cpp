// The M extension.
#include "decode.h"

namespace heed {

namespace {

using U = uint32_t;

U mulh(U a, U b, U, U) { return U(int64_t(int32_t(a)) * int32_t(b) >> 32); }
U mulhsu(U a, U b, U, U) { return U(int64_t(int32_t(a)) * int64_t(b) >> 32); }
U mulhu(U a, U b, U, U) { return U(uint64_t(a) * b >> 32); }

U div(U a, U b, U, U) {
    if (!b) return ~0u;
    if (a == 0x80000000u && b == ~0u) return a;
    return U(int32_t(a) / int32_t(b));
}

U rem(U a, U b, U, U) {
    if (!b) return a;
    if (a == 0x80000000u && b == ~0u) return 0;
    return U(int32_t(a) % int32_t(b));
}

U divu(U a, U b, U, U) { return b ? a / b : ~0u; }
U remu(U a, U b, U, U) { return b ? a % b : a; }

constexpr Row row(U funct3, Code code, Function function, bool late) {
    return {0xfe00707f, 1u << 25 | funct3 << 12 | 0x33, HEED_GROUP_M, Form::R, code, function, late};
}

const Row rows[] = {
    row(0, Code::MUL, nullptr, true),
    row(1, Code::COMPUTE, mulh, true),
    row(2, Code::COMPUTE, mulhsu, true),
    row(3, Code::COMPUTE, mulhu, true),
    row(4, Code::DIVIDE, div, false),
    row(5, Code::DIVIDE, divu, false),
    row(6, Code::DIVIDE, rem, false),
    row(7, Code::DIVIDE, remu, false),
};

}  // namespace

Rows multiply_rows() { return {rows, sizeof rows / sizeof *rows}; }

}  // namespace heed
