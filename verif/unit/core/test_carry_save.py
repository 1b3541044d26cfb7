"""Sums with few levels against Python's integers."""

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
    """The sum of `count` numbers modulo 2^width."""

    def __init__(self, count: int, width: int):
        self._names = [f"i_{n}" for n in range(count)]
        super().__init__({name: In(width) for name in self._names} | {"sum": Out(width)})

    def elaborate(self, platform):
        m = Module()
        inputs = [getattr(self, name) for name in self._names]
        two = carry_save.carry_save(m, inputs, len(self.sum))
        m.d.comb += self.sum.eq(carry_save.prefix_sum(m, *two))
        return m


def check(count: int, width: int) -> None:
    rng = random.Random(count * width)
    names = [f"i_{n}" for n in range(count)]
    given = [{name: rng.getrandbits(width) for name in names} for _ in range(30)]
    given += [{name: (1 << width) - 1 for name in names}, {name: 0 for name in names}]
    for bits in range(width + 1):  # a carry through so many bits
        given.append({name: 0 for name in names} | {"i_0": (1 << bits) - 1, "i_1": 1})
    results = evaluate(Sum(count, width), given, ["sum"])
    for numbers, (result,) in zip(given, results, strict=True):
        assert result == sum(numbers.values()) % (1 << width), numbers


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7, 13, 34])
@pytest.mark.parametrize("width", [1, 2, 9, 32, 40])
def test_sums(count, width):
    check(count, width)


@pytest.mark.parametrize(
    "function, right, wrong",
    [
        ("carry_save", "& no_carry_in", "& -1"),
        ("carry_save", "a & b | (a ^ b) & c", "a & b | a & c"),
        ("prefix_sum", "(propagates << span)", "-1"),
        ("prefix_sum", "while span < width", "while span < width // 2"),
    ],
)
def test_notices_a_bug(monkeypatch, function, right, wrong):
    plant(monkeypatch, carry_save, function, right, wrong)
    with pytest.raises(AssertionError):
        check(2, 32)
        check(13, 32)


def test_converts_to_verilog():
    assert "module sum" in to_verilog(Sum(5, 16), name="sum")
