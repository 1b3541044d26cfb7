"""The M extension: products and divisions."""

from sw_model.isa import row
from sw_model.isa.bits import MASK, signed


def _div(a: int, b: int) -> int:
    if b == 0:
        return MASK
    a, b = signed(a), signed(b)
    quotient = abs(a) // abs(b)
    return -quotient if (a < 0) != (b < 0) else quotient


def _rem(a: int, b: int) -> int:
    if b == 0:
        return a
    a, b = signed(a), signed(b)
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def _row(name, code3, operation):
    return row.register(name, "m", 0x33, code3, 0x01, operation)


ROWS = (
    _row("mul", 0, lambda a, b: a * b),
    _row("mulh", 1, lambda a, b: signed(a) * signed(b) >> 32),
    _row("mulhsu", 2, lambda a, b: signed(a) * b >> 32),
    _row("mulhu", 3, lambda a, b: a * b >> 32),
    _row("div", 4, _div),
    _row("divu", 5, lambda a, b: a // b if b else MASK),
    _row("rem", 6, _rem),
    _row("remu", 7, lambda a, b: a % b if b else a),
)
