"""XCVmac: multiply-accumulate, products of halves."""

from hw.core.instructions.format import R_ACCUMULATE, Instruction, R
from hw.core.types import Unit
from hw.core.units.multiplier import MultiplyOp

FUNCT3 = {"muls": 0b100, "mulu": 0b101, "macs": 0b110, "macu": 0b111}


def _row(name, pattern, **op):
    form = R_ACCUMULATE if op.get("accumulate") or op.get("subtract") else R
    value = MultiplyOp.const(op).as_value().value
    return Instruction(name, pattern, form, Unit.MULTIPLY, value)


def _half(kind, upper, rounded):
    """One of the products of halves, whose shift is in bits 29:25."""
    name = f"cv.{kind[:3]}{'hh' if upper else ''}{kind[3]}{'R' if rounded else ''}N"
    pattern = f"{int(rounded)}{int(upper)} ----- ----- ----- {FUNCT3[kind]:03b} ----- 1011011"
    return _row(
        name,
        pattern,
        short=1,
        accumulate=kind.startswith("mac"),
        unsigned=kind.endswith("u"),
        upper=upper,
        rounded=rounded,
    )


INSTRUCTIONS = (
    _row("cv.mac", "1001000 ----- ----- 011 ----- 0101011", accumulate=1),
    _row("cv.msu", "1001001 ----- ----- 011 ----- 0101011", subtract=1),
    *(
        _half(kind, upper, rounded)
        for kind in FUNCT3
        for upper in (False, True)
        for rounded in (False, True)
    ),
)
