"""XCValu: minimum, maximum, clipping, extensions, sums with rounding and shift."""

from hw.core.instructions.format import R_ACCUMULATE, R_ONE, Instruction, R
from hw.core.types import Unit
from hw.core.units.xalu import XAluKind, XAluOp


def _op(kind, **flags):
    return XAluOp.const({"kind": kind, **flags}).as_bits()


def _row(name, funct7, form, op, rs2="-----"):
    return Instruction(name, f"{funct7:07b} {rs2} ----- 011 ----- 0101011", form, Unit.XALU, op)


def _one(name, funct7, op):
    return _row(name, funct7, R_ONE, op, rs2="00000")


def _sums():
    for number, (name, subtract) in enumerate((("add", 0), ("sub", 1))):
        for variant, suffix in enumerate(("", "u", "R", "uR")):
            flags = {"subtract": subtract, "unsigned": variant & 1, "round": variant >> 1}
            yield Instruction(
                f"cv.{name}{suffix}N",
                f"{variant:02b} ----- ----- ----- 01{number} ----- 1011011",
                R,
                Unit.XALU,
                _op(XAluKind.SUM, **flags),
            )
            yield _row(
                f"cv.{name}{suffix}Nr",
                0x40 + 4 * number + variant,
                R_ACCUMULATE,
                _op(XAluKind.SUM, register=1, **flags),
            )


INSTRUCTIONS = (
    _one("cv.abs", 0x28, _op(XAluKind.ABS)),
    _row("cv.sle", 0x29, R, _op(XAluKind.ORDER, subtract=1)),
    _row("cv.sleu", 0x2A, R, _op(XAluKind.ORDER, subtract=1, unsigned=1)),
    _row("cv.min", 0x2B, R, _op(XAluKind.PICK, subtract=1)),
    _row("cv.minu", 0x2C, R, _op(XAluKind.PICK, subtract=1, unsigned=1)),
    _row("cv.max", 0x2D, R, _op(XAluKind.PICK, subtract=1, other=1)),
    _row("cv.maxu", 0x2E, R, _op(XAluKind.PICK, subtract=1, other=1, unsigned=1)),
    _one("cv.exths", 0x30, _op(XAluKind.EXTEND)),
    _one("cv.exthz", 0x31, _op(XAluKind.EXTEND, unsigned=1)),
    _one("cv.extbs", 0x32, _op(XAluKind.EXTEND, other=1)),
    _one("cv.extbz", 0x33, _op(XAluKind.EXTEND, other=1, unsigned=1)),
    _row("cv.clip", 0x38, R_ONE, _op(XAluKind.CLIP, subtract=1)),
    _row("cv.clipu", 0x39, R_ONE, _op(XAluKind.CLIP, subtract=1, unsigned=1)),
    _row("cv.clipr", 0x3A, R, _op(XAluKind.CLIP, subtract=1, register=1)),
    _row("cv.clipur", 0x3B, R, _op(XAluKind.CLIP, subtract=1, register=1, unsigned=1)),
    *_sums(),
)
