"""The multiplier against Python's integers."""

import random

from hw.core.units.multiplier import Multiplier
from hw.verilog import to_verilog
from verif.lib.combinational import evaluate

CORNERS = (0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 0x10000)


def signed(value):
    return value - (1 << 32) if value >> 31 else value


EXPECTED = (
    lambda a, b: a * b,
    lambda a, b: signed(a) * signed(b) >> 32,
    lambda a, b: signed(a) * b >> 32,
    lambda a, b: a * b >> 32,
)


def test_products():
    rng = random.Random(2)
    pairs = [(a, b) for a in CORNERS for b in CORNERS]
    pairs += [(rng.getrandbits(32), rng.getrandbits(32)) for _ in range(200)]
    cases = [(op, a, b) for op in range(4) for a, b in pairs]
    inputs = [dict(op=op, a=a, b=b) for op, a, b in cases]
    for case, (result,) in zip(cases, evaluate(Multiplier(), inputs, ["result"]), strict=True):
        op, a, b = case
        assert result == EXPECTED[op](a, b) & 0xFFFFFFFF, f"{op} {a:#x} {b:#x}"


def test_converts_to_verilog():
    assert "module multiplier" in to_verilog(Multiplier(), name="multiplier")
