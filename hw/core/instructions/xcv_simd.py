"""XCVsimd: packed bytes and halves, dot products."""

from hw.core.instructions import xcv_dot
from hw.core.instructions.format import R_ACCUMULATE, R_ONE, Format, Instruction, R
from hw.core.types import ImmediateFormat, OperandB, Unit
from hw.core.units.simd_op import SimdKind, SimdLogic, SimdMove, SimdOp

SCI = Format(immediate=ImmediateFormat.V, reads_rs1=True, writes_rd=True)
SCI_UNSIGNED = SCI._replace(immediate=ImmediateFormat.VU)
SCI_ACCUMULATE = SCI_UNSIGNED._replace(reads_rs3=True)

BYTE, HALF, SCALAR, IMMEDIATE = 1, 0, 4, 6
"""Bits of funct3."""


def _sum(subtract=0, shift=0):
    return SimdKind.SUM, {"sum": {"subtract": subtract, "shift": shift}}


def _shift(left=0, arithmetic=0):
    return SimdKind.SHIFT, {"shift": {"left": left, "arithmetic": arithmetic}}


def _logic(logic):
    return SimdKind.LOGIC, {"logic": logic}


def _order(kind=SimdKind.ORDER, **flags):
    return kind, {"order": flags}


def _move(move):
    return SimdKind.MOVE, {"move": move}


_PICK = SimdKind.PICK

# Number in bits 31:26, name, what it does, whether immediates are unsigned.
_LANES = (
    (0x00, "add", _sum(), False),
    (0x02, "sub", _sum(subtract=1), False),
    (0x04, "avg", _sum(shift=1), False),
    (0x06, "avgu", (SimdKind.AVERAGE, {}), True),
    (0x08, "min", _order(_PICK), False),
    (0x0A, "minu", _order(_PICK, unsigned=1), True),
    (0x0C, "max", _order(_PICK, invert=1), False),
    (0x0E, "maxu", _order(_PICK, invert=1, unsigned=1), True),
    (0x10, "srl", _shift(), True),
    (0x12, "sra", _shift(arithmetic=1), True),
    (0x14, "sll", _shift(left=1), True),
    (0x16, "or", _logic(SimdLogic.OR), False),
    (0x18, "xor", _logic(SimdLogic.XOR), False),
    (0x1A, "and", _logic(SimdLogic.AND), False),
    (0x01, "cmpeq", _logic(SimdLogic.EQUAL), False),
    (0x03, "cmpne", _logic(SimdLogic.NOT_EQUAL), False),
    (0x05, "cmpgt", _order(invert=1), False),
    (0x07, "cmpge", _order(strict=1, invert=1), False),
    (0x09, "cmplt", _order(strict=1), False),
    (0x0B, "cmple", _order(), False),
    (0x0D, "cmpgtu", _order(invert=1, unsigned=1), True),
    (0x0F, "cmpgeu", _order(strict=1, invert=1, unsigned=1), True),
    (0x11, "cmpltu", _order(strict=1, unsigned=1), True),
    (0x13, "cmpleu", _order(unsigned=1), True),
)


def _op(does, half, scalar=0):
    kind, variant = does
    fields = {"kind": kind, "variant": variant, "half": half, "scalar": scalar}
    return SimdOp.const(fields).as_bits()


def _instruction(name, number, funct3, form, op, bit25="0", rs2="-----"):
    bit25 = "-" if form.b is OperandB.IMMEDIATE else bit25
    pattern = f"{number:06b} {bit25} {rs2} ----- {funct3:03b} ----- 1111011"
    return Instruction(name, pattern, form, Unit.SIMD, op)


def _lanes():
    for number, name, does, unsigned in _LANES:
        for suffix, size in (("h", HALF), ("b", BYTE)):
            half = size == HALF
            forms = (
                ("", 0, R),
                (".sc", SCALAR, R),
                (".sci", IMMEDIATE, SCI_UNSIGNED if unsigned else SCI),
            )
            for mode, funct3, form in forms:
                yield _instruction(
                    f"cv.{name}{mode}.{suffix}",
                    number,
                    funct3 | size,
                    form,
                    _op(does, half, scalar=mode != ""),
                )
    for suffix, size in (("h", HALF), ("b", BYTE)):
        absolute = _op((SimdKind.NEGATE, {"negate": {}}), half=size == HALF)
        yield _instruction(f"cv.abs.{suffix}", 0x1C, size, R_ONE, absolute)


def _complex():
    """Complex numbers: two halves, the upper one is the imaginary part."""
    negate = SimdKind.NEGATE
    conjugate = _op((negate, {"negate": {"shift": 1}}), half=1)
    yield _instruction("cv.cplxconj", 0x17, 0, R_ONE, conjugate, rs2="00000")
    for shift, suffix in enumerate(("", ".div2", ".div4", ".div8")):
        turn = _op((negate, {"negate": {"turn": 1, "shift": shift}}), half=1)
        yield _instruction(f"cv.subrotmj{suffix}", 0x19, 2 * shift, R, turn)
        if shift:
            for name, number, subtract in (("add", 0x1B, 0), ("sub", 0x1D, 1)):
                op = _op(_sum(subtract, shift), half=1)
                yield _instruction(f"cv.{name}{suffix}", number, 2 * shift, R, op)


def _moves():
    for suffix, size in (("h", HALF), ("b", BYTE)):
        for name, number, funct3, form, move in (
            ("extract", 0x2E, 0, SCI_UNSIGNED, SimdMove.EXTRACT),
            ("extractu", 0x2E, 2, SCI_UNSIGNED, SimdMove.EXTRACT_UNSIGNED),
            ("insert", 0x2E, 4, SCI_ACCUMULATE, SimdMove.INSERT),
            ("shuffle", 0x30, 0, R, SimdMove.SHUFFLE),
            ("shuffle2", 0x38, 0, R_ACCUMULATE, SimdMove.SHUFFLE_TWO),
        ):
            op = _op(_move(move), half=size == HALF)
            yield _instruction(f"cv.{name}.{suffix}", number, funct3 | size, form, op)
    for name, number, size in (
        ("shuffle.sci.h", 0x30, HALF),
        *((f"shuffleI{top}.sci.b", 0x30 + 2 * top, BYTE) for top in range(4)),
    ):
        op = _op(_move(SimdMove.SHUFFLE), half=size == HALF, scalar=1)
        yield _instruction(f"cv.{name}", number, IMMEDIATE | size, SCI_UNSIGNED, op)
    for name, number, size, upper, form in (
        ("pack", 0x3C, HALF, 0, R),
        ("pack.h", 0x3C, HALF, 1, R),
        ("packlo.b", 0x3E, BYTE, 0, R_ACCUMULATE),
        ("packhi.b", 0x3E, BYTE, 1, R_ACCUMULATE),
    ):
        op = _op(_move(SimdMove.PACK), half=size == HALF, scalar=upper)
        yield _instruction(f"cv.{name}", number, size, form, op, bit25=f"{upper}")


INSTRUCTIONS = (*_lanes(), *_complex(), *_moves(), *xcv_dot.DOT_ROWS)
