"""The ALU against Python's integers."""

import random

import pytest

from hw.core.types import AluOp
from hw.core.units.alu import Alu
from hw.verilog import to_verilog
from verif.lib.combinational import evaluate
from verif.lib.planted import plant

MASK = 0xFFFFFFFF
CORNERS = (0, 1, 2, 31, 32, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF)


def signed(value):
    return value - (1 << 32) if value >> 31 else value


EXPECTED = {
    AluOp.ADD: lambda a, b: a + b,
    AluOp.SUB: lambda a, b: a - b,
    AluOp.SLL: lambda a, b: a << (b & 31),
    AluOp.SLT: lambda a, b: signed(a) < signed(b),
    AluOp.SLTU: lambda a, b: a < b,
    AluOp.XOR: lambda a, b: a ^ b,
    AluOp.SRL: lambda a, b: a >> (b & 31),
    AluOp.SRA: lambda a, b: signed(a) >> (b & 31),
    AluOp.OR: lambda a, b: a | b,
    AluOp.AND: lambda a, b: a & b,
}


def operands():
    rng = random.Random(1)
    pairs = [(a, b) for a in CORNERS for b in CORNERS]
    pairs += [(rng.getrandbits(32), rng.getrandbits(32)) for _ in range(100)]
    pairs += [(value, value) for value in (rng.getrandbits(32) for _ in range(10))]
    return pairs


def test_every_operation():
    cases = [(op, a, b) for op in AluOp for a, b in operands()]
    inputs = [dict(op=op, a=a, b=b, unsigned=op == AluOp.SLTU) for op, a, b in cases]
    for case, (result,) in zip(cases, evaluate(Alu(), inputs, ["result"]), strict=True):
        op, a, b = case
        assert result == EXPECTED[op](a, b) & MASK, f"{op.name} {a:#x} {b:#x}"


def test_comparisons():
    cases = [(unsigned, a, b) for unsigned in (0, 1) for a, b in operands()]
    # Whatever the operation is: branches have numbers of their own there.
    inputs = [
        dict(op=n % 8, a=a, b=b, unsigned=unsigned) for n, (unsigned, a, b) in enumerate(cases)
    ]
    for case, got in zip(cases, evaluate(Alu(), inputs, ["less", "equal"]), strict=True):
        unsigned, a, b = case
        less = a < b if unsigned else signed(a) < signed(b)
        assert got == (less, a == b), case


def test_other_operations_give_zero():
    inputs = [dict(op=op, a=MASK, b=MASK) for op in range(len(AluOp), 256)]
    assert set(evaluate(Alu(), inputs, ["result"])) == {(0,)}


PLANTED = {
    "arithmetic shift is logical": ("AluOp.SRA) & a[31]", "AluOp.SRA) & 0"),
    "left shift is not mirrored": ("shifted[::-1]", "shifted"),
    "unsigned is signed": ("Mux(self.unsigned, b[31], a[31])", "a[31]"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_finds(bug, monkeypatch):
    plant(monkeypatch, Alu, "elaborate", *PLANTED[bug])
    with pytest.raises(AssertionError, match="0x"):
        test_every_operation()


def test_converts_to_verilog():
    assert "module alu" in to_verilog(Alu(), name="alu")
