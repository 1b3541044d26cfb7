"""XCVsimd: packed bytes and halves, dot products."""

from hw.core.instructions import xcv_dot
from hw.core.instructions.format import R_ACCUMULATE, R_ONE, Format, Instruction, R
from hw.core.types import ImmediateFormat, Unit
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
    immediate = form.b is SCI.b
    bit25 = "-" if immediate else bit25
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
    shuffle, shuffle_two = _move(SimdMove.SHUFFLE), _move(SimdMove.SHUFFLE_TWO)
    for suffix, size in (("h", HALF), ("b", BYTE)):
        half = size == HALF
        absolute = _op((SimdKind.NEGATE, {"negate": {}}), half)
        yield _instruction(f"cv.abs.{suffix}", 0x1C, size, R_ONE, absolute)
        for name, funct3, form, move in (
            ("extract", 0, SCI_UNSIGNED, SimdMove.EXTRACT),
            ("extractu", 2, SCI_UNSIGNED, SimdMove.EXTRACT_UNSIGNED),
            ("insert", 4, SCI_ACCUMULATE, SimdMove.INSERT),
        ):
            op = _op(_move(move), half)
            yield _instruction(f"cv.{name}.{suffix}", 0x2E, funct3 | size, form, op)
        yield _instruction(f"cv.shuffle.{suffix}", 0x30, size, R, _op(shuffle, half))
        yield _instruction(
            f"cv.shuffle2.{suffix}", 0x38, size, R_ACCUMULATE, _op(shuffle_two, half)
        )
    immediate = _op(shuffle, half=1, scalar=1)
    yield _instruction("cv.shuffle.sci.h", 0x30, IMMEDIATE | HALF, SCI_UNSIGNED, immediate)
    for top in range(4):
        name = f"cv.shuffleI{top}.sci.b"
        immediate = _op(shuffle, half=0, scalar=1)
        yield _instruction(name, 0x30 + 2 * top, IMMEDIATE | BYTE, SCI_UNSIGNED, immediate)
    for name, number, bit25, half, upper, form in (
        ("pack", 0x3C, "0", 1, 0, R),
        ("pack.h", 0x3C, "1", 1, 1, R),
        ("packlo.b", 0x3E, "0", 0, 0, R_ACCUMULATE),
        ("packhi.b", 0x3E, "1", 0, 1, R_ACCUMULATE),
    ):
        op = _op(_move(SimdMove.PACK), half, upper)
        yield _instruction(f"cv.{name}", number, 0 if half else BYTE, form, op, bit25)


INSTRUCTIONS = (*_lanes(), *_complex(), *_moves(), *xcv_dot.DOT_ROWS)
