"""XCVmac: section "Multiply-Accumulate" of the CV32E40P manual, version 2.

Choices where the manual leaves something open, all as CV32E40P does it: product, accumulator and
rounding are cut to 32 bits before the shift; a signed shift copies bit 31 of that.
"""

from sw_model.isa import row
from sw_model.isa.bits import signed
from sw_model.isa.fields import FIELDS
from sw_model.isa.xcv_alu import shift_right

GROUP = "xcv_mac"


def _half(value: int, high: bool, is_signed: bool) -> int:
    half = value >> 16 if high else value & 0xFFFF
    return signed(half, 16) if is_signed else half


def _half_product(name, code3, code2, is_signed, accumulates):
    """Code bit 0 takes the high halves, bit 1 rounds."""
    high, rounds = code2 & 1, code2 >> 1

    def compute(rs1, rs2, rs3, word):
        total = _half(rs1, high, is_signed) * _half(rs2, high, is_signed)
        if accumulates:
            total += rs3
        return shift_right(total, FIELDS["is3"].get(word), is_signed, rounds)

    match = code2 << 30 | code3 << 12 | 0x5B
    operands = "rd, rs1, rs2, is3"
    return row.computed(name, GROUP, 0xC000707F, match, operands, compute, reads_rd=accumulates)


def _half_rows():
    for accumulates in (False, True):
        for is_signed in (True, False):
            code3 = 4 + 2 * accumulates + (not is_signed)
            for code2 in range(4):
                name = f"cv.{'mac' if accumulates else 'mul'}{'hh' * (code2 & 1)}"
                name += f"{'s' if is_signed else 'u'}{'R' * (code2 >> 1)}N"
                yield _half_product(name, code3, code2, is_signed, accumulates)


def _register(name, code7, operation):
    return row.register(name, GROUP, 0x2B, 3, code7, operation, reads_rd=True)


ROWS = (
    _register("cv.mac", 0x48, lambda a, b, c: c + a * b),
    _register("cv.msu", 0x49, lambda a, b, c: c - a * b),
    *_half_rows(),
)
