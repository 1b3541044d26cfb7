"""Sums with few levels of gates against Python's integers."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.units import carry_save
from hw.verilog import to_verilog
from verif.lib.combinational import evaluate
from verif.lib.planted import plant


class Sum(wiring.Component):
    """The sum of `count` numbers of `width` bits."""

    def __init__(self, count, width):
        numbers = {f"number_{n}": In(width) for n in range(count)}
        super().__init__({**numbers, "result": Out(width)})
        self._count, self._width = count, width

    def elaborate(self, platform):
        m = Module()
        numbers = [getattr(self, f"number_{n}") for n in range(self._count)]
        two = carry_save.carry_save(m, numbers, self._width) if self._count > 2 else numbers
        m.d.comb += self.result.eq(carry_save.prefix_sum(m, *two))
        return m


def check(width, rows):
    inputs = [{f"number_{n}": number for n, number in enumerate(row)} for row in rows]
    sums = evaluate(Sum(len(rows[0]), width), inputs, ["result"])
    for row, (result,) in zip(rows, sums, strict=True):
        assert result == sum(row) % (1 << width), " + ".join(map(hex, row))


def long_carries(width):
    """Carries from every place to every place."""
    ones = (1 << width) - 1
    return [
        ((ones >> width - high) & ones << low & ones, 1 << low)
        for high in range(1, width + 1)
        for low in range(high)
    ]


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_every_sum_of_two(width):
    check(width, [(a, b) for a in range(1 << width) for b in range(1 << width)])


@pytest.mark.parametrize("width", [8, 17, 18, 32, 33])
def test_wide_sums_of_two(width):
    rng = random.Random(width)
    pairs = [(rng.getrandbits(width), rng.getrandbits(width)) for _ in range(500)]
    check(width, pairs + long_carries(width))


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7, 10])
def test_sums_of_many(count):
    rng = random.Random(count)
    rows = [[rng.getrandbits(32) for _ in range(count)] for _ in range(200)]
    check(32, [*rows, [0xFFFFFFFF] * count, [0x80000000] * count])


@pytest.mark.parametrize("right, wrong", [("span *= 2", "span *= 4"), ("a & b", "a | b")])
def test_finds_a_wrong_adder(right, wrong, monkeypatch):
    plant(monkeypatch, carry_save, "prefix_sum", right, wrong)
    with pytest.raises(AssertionError, match="0x"):
        check(32, [*long_carries(32), (0x55555555, 0)])


def test_finds_a_lost_carry(monkeypatch):
    plant(monkeypatch, carry_save, "carry_save", "(1 << width) - 2", "(1 << width) - 4")
    with pytest.raises(AssertionError, match="0x"):
        check(8, [(1, 1, 0), (3, 1, 1)])


def test_converts_to_verilog():
    assert "module adder" in to_verilog(Sum(4, 32), name="adder")
