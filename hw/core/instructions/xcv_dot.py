"""Dot products and complex products of XCVsimd."""

from hw.core.instructions.format import R_ACCUMULATE, I, Instruction, R
from hw.core.types import ImmediateFormat, Unit
from hw.core.units.dot import DotOp

# name: bits 31:26, rs1 signed, rs2 signed, accumulated
DOTS = {
    "dotup": (0b100000, False, False, False),
    "dotusp": (0b100010, False, True, False),
    "dotsp": (0b100100, True, True, False),
    "sdotup": (0b100110, False, False, True),
    "sdotusp": (0b101000, False, True, True),
    "sdotsp": (0b101010, True, True, True),
}
FORMS = {"": 0b000, "sc.": 0b100, "sci.": 0b110}
"""Both operands packed, or the second a number: of a register or immediate."""
ELEMENTS = ("h", "b")
COMPLEX = ("r", "i")
DIVISIONS = ("", ".div2", ".div4", ".div8")


def _row(name, pattern, form, **op):
    return Instruction(name, pattern, form, Unit.DOT, DotOp.const(op).as_value().value)


def _dot(name, form, element):
    top, a_signed, b_signed, accumulate = DOTS[name]
    is_bytes = element == "b"
    if form == "sci.":
        immediate = ImmediateFormat.V if b_signed else ImmediateFormat.VU
        operands = I._replace(immediate=immediate, reads_rs3=accumulate)
    else:
        operands = R_ACCUMULATE if accumulate else R
    bit_25 = "-" if form == "sci." else "0"
    return _row(
        f"cv.{name}.{form}{element}",
        f"{top:06b} {bit_25} ----- ----- {FORMS[form] | is_bytes:03b} ----- 1111011",
        operands,
        bytes=is_bytes,
        a_signed=a_signed,
        b_signed=b_signed,
        scalar=form != "",
        accumulate=accumulate,
    )


def _complex(part, divide):
    imaginary = part == "i"
    return _row(
        f"cv.cplxmul.{part}{DIVISIONS[divide]}",
        f"010101{imaginary:b} ----- ----- {divide << 1:03b} ----- 1111011",
        R_ACCUMULATE,
        complex=1,
        a_signed=1,
        b_signed=1,
        scalar=imaginary,
        divide=divide,
    )


DOT_ROWS = (
    *(_dot(name, form, element) for name in DOTS for element in ELEMENTS for form in FORMS),
    *(_complex(part, divide) for part in COMPLEX for divide in range(len(DIVISIONS))),
)
