"""The adder of few levels against Python's integers."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.units import prefix
from hw.verilog import to_verilog
from verif.lib.combinational import evaluate
from verif.lib.planted import plant


class Adder(wiring.Component):
    def __init__(self, width):
        super().__init__({"a": In(width), "b": In(width), "result": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.result.eq(prefix.prefix_sum(m, self.a, self.b))
        return m


def check(width, pairs):
    inputs = [dict(a=a, b=b) for a, b in pairs]
    sums = evaluate(Adder(width), inputs, ["result"])
    for (a, b), (result,) in zip(pairs, sums, strict=True):
        assert result == (a + b) % (1 << width), f"{a:#x} + {b:#x}"


def long_carries(width):
    """Carries from every place to every place."""
    ones = (1 << width) - 1
    return [
        ((ones >> width - high) & ones << low & ones, 1 << low)
        for high in range(1, width + 1)
        for low in range(high)
    ]


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_every_sum(width):
    check(width, [(a, b) for a in range(1 << width) for b in range(1 << width)])


@pytest.mark.parametrize("width", [8, 17, 18, 31, 32, 33])
def test_wide(width):
    rng = random.Random(width)
    pairs = [(rng.getrandbits(width), rng.getrandbits(width)) for _ in range(1000)]
    check(width, pairs + long_carries(width))


def test_finds_a_wrong_block(monkeypatch):
    plant(monkeypatch, prefix, "prefix_sum", "size *= 2", "size *= 4")
    with pytest.raises(AssertionError, match="0x"):
        check(32, long_carries(32))


def test_unequal_widths():
    with pytest.raises(ValueError, match="the second operand has 3 bits, but must have 4"):
        m = Module()
        prefix.prefix_sum(m, Adder(4).a, Adder(3).a)


def test_converts_to_verilog():
    assert "module adder" in to_verilog(Adder(32), name="adder")
