// Heed's own instruction.
#include "decode.h"

namespace heed {

namespace {

// rs2 = {zero point [31:24], shift [20:16], multiplier [15:0]}; one byte of rd changes.
uint32_t requantise(uint32_t a, uint32_t b, uint32_t c, uint32_t insn) {
    unsigned lane = insn >> 25 & 3, shift = b >> 16 & 31;
    bool is_unsigned = insn >> 27 & 1;
    int64_t half = int64_t(1) << shift >> 1;
    int64_t product = int64_t(int32_t(a)) * int64_t(b & 0xffff);
    int64_t value = ((product + half) >> shift) + int8_t(b >> 24);
    int64_t low = is_unsigned ? 0 : -128, high = is_unsigned ? 255 : 127;
    value = value < low ? low : value > high ? high : value;
    return (c & ~(0xffu << 8 * lane)) | (uint32_t(value) & 0xff) << 8 * lane;
}

const Row rows[] = {
    {0xf000707f, 0x502b, HEED_GROUP_XHEED, Form::R_RD, Code::COMPUTE, requantise, true},
};

}  // namespace

Rows xheed_rows() { return {rows, sizeof rows / sizeof *rows}; }

}  // namespace heed
