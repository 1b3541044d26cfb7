"""XCVsimd, complex numbers: section "SIMD Complex-number operations" of the CV32E40P manual,
version 2.

A word is a complex number: real part in the low half, imaginary part in the high half, both
signed. The `.div2`, `.div4` and `.div8` forms shift one, two or three bits more, arithmetically.

Choices where the manual leaves something open, as CV32E40P does it: the sum of two products is cut
to 32 bits before the shift. It matters for -32768 only (its square twice is 2^31).
"""

from sw_model.isa import row
from sw_model.isa.bits import join, signed, split
from sw_model.isa.xcv_simd import GROUP, OPCODE

_DIVISIONS = (("", 0), (".div2", 1), (".div4", 2), (".div8", 3))


def _row(name, code, code3, operation, *, bit25=0, reads_rd=False):
    """rd = operation(rs1, rs2, rd), of and to lists of halves."""

    def compute(rs1, rs2, rs3, word):
        a, b, c = (split(value, 16, True) for value in (rs1, rs2, rs3))
        return join(operation(a, b, c), 16)

    match = code << 26 | bit25 << 25 | code3 << 12 | OPCODE
    return row.computed(name, GROUP, 0xFE00707F, match, "rd, rs1, rs2", compute, reads_rd=reads_rd)


def _multiply_rows(suffix, shift):
    def real(a, b, c):
        return [signed(a[0] * b[0] - a[1] * b[1]) >> 15 + shift, c[1]]

    def imaginary(a, b, c):
        return [c[0], signed(a[0] * b[1] + a[1] * b[0]) >> 15 + shift]

    yield _row(f"cv.cplxmul.r{suffix}", 0b01010_1, 2 * shift, real, reads_rd=True)
    yield _row(f"cv.cplxmul.i{suffix}", 0b01010_1, 2 * shift, imaginary, bit25=1, reads_rd=True)


def _shifted(values, shift):
    """Each cut to 16 bits, then shifted arithmetically."""
    return [signed(value, 16) >> shift for value in values]


def _sum_rows(suffix, shift):
    """Sums, differences, and the difference times -j; without a shift the first two are
    `cv.add.h` and `cv.sub.h`."""

    def rotated(a, b, c):
        return _shifted([a[1] - b[1], b[0] - a[0]], shift)

    def add(a, b, c):
        return _shifted([a[0] + b[0], a[1] + b[1]], shift)

    def sub(a, b, c):
        return _shifted([a[0] - b[0], a[1] - b[1]], shift)

    yield _row(f"cv.subrotmj{suffix}", 0b01100_1, 2 * shift, rotated)
    if shift:
        yield _row(f"cv.add{suffix}", 0b01101_1, 2 * shift, add)
        yield _row(f"cv.sub{suffix}", 0b01110_1, 2 * shift, sub)


def _conjugate(rs1, rs2, rs3, word):
    real, imaginary = split(rs1, 16, True)
    return join([real, -imaginary], 16)


ROWS = (
    *(form for division in _DIVISIONS for form in _multiply_rows(*division)),
    *(form for division in _DIVISIONS for form in _sum_rows(*division)),
    row.computed("cv.cplxconj", GROUP, 0xFFF0707F, 0b01011_1 << 26 | OPCODE, "rd, rs1", _conjugate),
)
