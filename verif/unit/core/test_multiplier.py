"""The multiplier: M against Python's integers, all of it against the model of the ISA."""

import random

import pytest

from hw.core.instructions import multiply, xcv_mac
from hw.core.types import Unit
from hw.core.units import multiplier
from hw.core.units.multiplier import Multiplier
from hw.verilog import to_verilog
from sw_model.isa import compute
from sw_model.isa.table import TABLE
from verif.lib.encodings import xcv_encodings
from verif.lib.planted import plant
from verif.lib.unit_vectors import CORNERS, Vector, check, results, vectors

M_ROWS = [row for row in multiply.INSTRUCTIONS if row.unit is Unit.MULTIPLY]
ROWS = [*M_ROWS, *xcv_mac.INSTRUCTIONS]
HALVES = (0, 1, 2, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF)
SUMS = (0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xC000_0000, 0xFFFF_FFFF)


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


PRODUCTS = {
    "mul": lambda a, b: a * b,
    "mulh": lambda a, b: signed(a) * signed(b) >> 32,
    "mulhsu": lambda a, b: signed(a) * b >> 32,
    "mulhu": lambda a, b: a * b >> 32,
}


def corner_halves(each: int) -> list[Vector]:
    """Halves at the ends of their ranges, in both places, and every shift."""
    rng = random.Random(2)

    def pair() -> int:
        return rng.choice(HALVES) << 16 | rng.choice(HALVES)

    return [
        (row, row.match | shift << 25, pair(), pair(), rng.choice(SUMS))
        for row in xcv_mac.INSTRUCTIONS
        if not row.mask >> 25 & 1
        for shift in range(32)
        for _ in range(each)
    ]


@pytest.mark.parametrize("mac", [False, True])
def test_products(mac):
    given = vectors(M_ROWS, 100)
    given += [(row, row.match, a, b, 5) for row in M_ROWS for a in CORNERS for b in CORNERS]
    for vector, result in zip(given, results(Multiplier(mac=mac), given), strict=True):
        row, _, a, b, _ = vector
        assert result == PRODUCTS[row.name](a, b) & 0xFFFFFFFF, f"{row.name} {a:#x} {b:#x}"


def test_every_instruction():
    given = vectors(ROWS, 200)
    random.Random(1).shuffle(given)
    check(Multiplier(mac=True), given, compute)


def test_halves():
    check(Multiplier(mac=True), corner_halves(10), compute)


PLANTED = {
    "mulhsu as mulh": ("elaborate", "op.part == Part.HIGH)\n", "op.part != Part.HIGH_UNSIGNED)\n"),
    "mulhsu as mulhu": ("elaborate", " | (op.part == Part.HIGH_SIGNED_UNSIGNED)", ""),
    "upper part not shifted": ("elaborate", "(upper << 16)", "(upper << 15)"),
    "starts always": ("elaborate", "m.If(self.start)", "m.If(1)"),
    "logical shift": ("_shifted", "total[31] & arithmetic", "0"),
    "arithmetic shift": ("_shifted", "total[31] & arithmetic", "total[31]"),
    "words shifted": ("_shifted", "Mux(op.short, self.high, 0)", "self.high"),
    "product added": ("_shifted", "inverted.eq(op.subtract)", "inverted.eq(0)"),
    "rounding by 1": ("_base", "(1 << self.high) >> 1", "1"),
    "rounding when not shifted": ("_base", "(1 << self.high) >> 1", "1 << (self.high - 1)[:5]"),
    "always accumulates": ("_base", "op.accumulate | op.subtract", "1"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_notices_a_bug(monkeypatch, bug):
    plant(monkeypatch, Multiplier, *PLANTED[bug])
    with pytest.raises(AssertionError):
        check(Multiplier(mac=True), [*vectors(ROWS, 20), *corner_halves(1)], compute)


def test_notices_wrong_halves(monkeypatch):
    plant(monkeypatch, multiplier, "_half", "half[15] & ~op.unsigned", "half[15]")
    with pytest.raises(AssertionError):
        check(Multiplier(mac=True), vectors(ROWS, 20), compute)


def test_encodings():
    known = {entry.mnemonic: (entry.mask, entry.match) for entry in xcv_encodings()}
    for row in xcv_mac.INSTRUCTIONS:
        assert (row.mask, row.match) == known[row.name], row.name
    names = {row.name for row in xcv_mac.INSTRUCTIONS}
    assert names == {row.name for row in TABLE if row.group == "xcv_mac"}


@pytest.mark.parametrize("mac", [False, True])
def test_converts_to_verilog(mac):
    assert "module multiplier" in to_verilog(Multiplier(mac=mac), name="multiplier")
