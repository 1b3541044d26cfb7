"""The M extension: multiplication and division."""

from hw.core.instructions.format import Instruction, R
from hw.core.types import Unit


def _register(name, funct3, unit):
    return Instruction(name, f"0000001 ----- ----- {funct3:03b} ----- 0110011", R, unit, funct3)


INSTRUCTIONS = (
    _register("mul", 0, Unit.MULTIPLY),
    _register("mulh", 1, Unit.MULTIPLY),
    _register("mulhsu", 2, Unit.MULTIPLY),
    _register("mulhu", 3, Unit.MULTIPLY),
    _register("div", 4, Unit.DIVIDE),
    _register("divu", 5, Unit.DIVIDE),
    _register("rem", 6, Unit.DIVIDE),
    _register("remu", 7, Unit.DIVIDE),
)
