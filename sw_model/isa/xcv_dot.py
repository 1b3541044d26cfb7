"""XCVsimd, dot products: section "SIMD Dot Product operations" of the CV32E40P manual, version 2.

`dotup` multiplies unsigned lanes, `dotsp` signed ones, `dotusp` unsigned lanes of rs1 with signed
ones of the second operand; the `s` forms add to rd. Sums are cut to 32 bits. The immediate of the
`.sci` forms is signed or unsigned as the second operand is.
"""

from sw_model.isa.bits import split
from sw_model.isa.xcv_simd import forms

_KINDS = (
    ("dotup", 0b10000_0, False, False, False),
    ("dotusp", 0b10001_0, False, True, False),
    ("dotsp", 0b10010_0, True, True, False),
    ("sdotup", 0b10011_0, False, False, True),
    ("sdotusp", 0b10100_0, False, True, True),
    ("sdotsp", 0b10101_0, True, True, True),
)
"""Name, bits 31:26, whether the first and second operand are signed, whether rd is added."""


def _rows(name, code, first_signed, second_signed, accumulates):
    def dot(a, b, rd, width):
        pairs = zip(split(a, width, first_signed), split(b, width, second_signed), strict=True)
        return sum(x * y for x, y in pairs) + (rd if accumulates else 0)

    immediate = "imm6" if second_signed else "uimm6"
    return forms(name, code, immediate, dot, reads_rd=accumulates)


ROWS = tuple(form for kind in _KINDS for form in _rows(*kind))
