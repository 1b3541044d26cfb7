"""XCValu: section "General ALU operations" of the CV32E40P manual, version 2.

Choices where the manual leaves something open, all as CV32E40P does it:

- Sums and differences are cut to 32 bits before they are shifted, rounding included.
- `cv.abs` of -2^31 is -2^31.
- `cv.clipr` and `cv.clipur` ignore bit 31 of rs2: the limit is never negative.
"""

from sw_model.isa import row
from sw_model.isa.bits import MASK, ones, signed
from sw_model.isa.fields import FIELDS

GROUP = "xcv_alu"


def clip(value: int, limit: int) -> int:
    """Clip a signed number to -limit - 1..limit."""
    return max(-limit - 1, min(signed(value), limit))


def clip_unsigned(value: int, limit: int) -> int:
    """Clip a signed number to 0..limit."""
    return max(0, min(signed(value), limit))


def shift_right(total: int, amount: int, is_signed: bool, rounds: bool) -> int:
    """Cut to 32 bits and shift, with half of the last place added before when it rounds."""
    if rounds:
        total += (1 << amount) >> 1
    total &= MASK
    return (signed(total) if is_signed else total) >> amount


def _unary(name, code7, operation):
    return row.unary(name, GROUP, 0x2B, 3, code7, operation)


def _register(name, code7, operation):
    return row.register(name, GROUP, 0x2B, 3, code7, operation)


def _clip(name, code7, operation):
    mask, match = row.funct7(0x2B, 3, code7)

    def compute(rs1, rs2, rs3, word):
        bits = FIELDS["is2"].get(word)
        return operation(rs1, ones(bits) >> 1)

    return row.computed(name, GROUP, mask, match, "rd, rs1, is2", compute)


def _normalise(name, code3, code2, combine, is_signed, rounds):
    """rd = (rs1 +- rs2) shifted by an immediate."""

    def compute(rs1, rs2, rs3, word):
        return shift_right(combine(rs1, rs2), FIELDS["is3"].get(word), is_signed, rounds)

    match = code2 << 30 | code3 << 12 | 0x5B
    return row.computed(name, GROUP, 0xC000707F, match, "rd, rs1, rs2, is3", compute)


def _normalise_register(name, code7, combine, is_signed, rounds):
    """rd = (rd +- rs1) shifted by rs2."""

    def operation(rs1, rs2, rs3):
        return shift_right(combine(rs3, rs1), rs2 & 31, is_signed, rounds)

    return row.register(name, GROUP, 0x2B, 3, code7, operation, reads_rd=True)


def _normalising_rows():
    """All sums and differences with a shift: code bit 0 is unsigned, bit 1 rounds."""
    for index, (verb, combine) in enumerate((("add", int.__add__), ("sub", int.__sub__))):
        for code in range(4):
            unsigned, rounds = code & 1, code >> 1
            name = f"cv.{verb}{'u' * unsigned}{'R' * rounds}N"
            yield _normalise(name, 2 + index, code, combine, not unsigned, rounds)
            code7 = 0x40 + 4 * index + code
            yield _normalise_register(name + "r", code7, combine, not unsigned, rounds)


ROWS = (
    _unary("cv.abs", 0x28, lambda a: abs(signed(a))),
    _register("cv.sle", 0x29, lambda a, b: signed(a) <= signed(b)),
    _register("cv.sleu", 0x2A, lambda a, b: a <= b),
    _register("cv.min", 0x2B, lambda a, b: min(signed(a), signed(b))),
    _register("cv.minu", 0x2C, min),
    _register("cv.max", 0x2D, lambda a, b: max(signed(a), signed(b))),
    _register("cv.maxu", 0x2E, max),
    _unary("cv.exths", 0x30, lambda a: signed(a, 16)),
    _unary("cv.exthz", 0x31, lambda a: a & 0xFFFF),
    _unary("cv.extbs", 0x32, lambda a: signed(a, 8)),
    _unary("cv.extbz", 0x33, lambda a: a & 0xFF),
    _clip("cv.clip", 0x38, clip),
    _clip("cv.clipu", 0x39, clip_unsigned),
    _register("cv.clipr", 0x3A, lambda a, b: clip(a, b & ones(31))),
    _register("cv.clipur", 0x3B, lambda a, b: clip_unsigned(a, b & ones(31))),
    *_normalising_rows(),
)
