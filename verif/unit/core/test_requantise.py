"""heed.rq's unit against the model of the ISA."""

import random

import pytest

from hw.core.instructions.xheed import INSTRUCTIONS
from hw.core.units.requantise import Requantise
from hw.verilog import to_verilog
from sw_model.isa import compute
from sw_model.isa.table import TABLE
from verif.lib.planted import plant
from verif.lib.unit_vectors import CORNERS, Vector, check, vectors

(RQ,) = INSTRUCTIONS


def word(lane: int, unsigned: int) -> int:
    return RQ.match | unsigned << 27 | lane << 25


def entry(multiplier: int, shift: int, zero_point: int, ignored: int = 0) -> int:
    return (zero_point & 0xFF) << 24 | ignored << 21 | shift << 16 | multiplier


def corners() -> list[Vector]:
    return [
        (RQ, word(lane, unsigned), a, entry(multiplier, shift, zero_point), 0x12345678)
        for lane, unsigned in ((0, 0), (1, 1), (2, 1), (3, 0))
        for a in CORNERS
        for multiplier in (0, 1, 0x8000, 0xFFFF)
        for shift in (0, 1, 16, 31)
        for zero_point in (-128, -1, 0, 127)
    ]


def near_limits(count: int) -> list[Vector]:
    """Values next to where the rounding and the clips change."""
    rng = random.Random(3)
    given = []
    for _ in range(count):
        unsigned = rng.randrange(2)
        multiplier, shift = rng.randrange(1, 1 << 16), rng.randrange(32)
        zero_point = rng.randrange(-128, 128)
        value = rng.choice((-129, -128, -127, -1, 0, 1, 126, 127, 128, 254, 255, 256)) - zero_point
        a = ((value << shift) + rng.choice((0, 1 << shift >> 1))) // multiplier
        a += rng.randrange(-1, 2)
        if -(1 << 31) <= a < 1 << 31:
            second = entry(multiplier, shift, zero_point, rng.randrange(8))
            third = rng.getrandbits(32)
            given.append((RQ, word(rng.randrange(4), unsigned), a & 0xFFFFFFFF, second, third))
    return given


def test_random():
    check(Requantise(), vectors(INSTRUCTIONS, 1000), compute)


def test_corners():
    check(Requantise(), corners(), compute)


def test_near_limits():
    given = near_limits(3000)
    assert len(given) > 1500
    check(Requantise(), given, compute)


PLANTED = {
    "clip to 0 forgotten": ("clipped.eq(0)", "clipped.eq(shifted[:8])"),
    "128 is not clipped": ("~negative & shifted[7:]", "~negative & shifted[8:]"),
    "-129 is not clipped": ("~shifted[7:].all()", "~shifted[8:].all()"),
    "no rounding": ("Cat(1, entry", "Cat(0, entry"),
    "unsigned zero point": (".as_signed() << entry", " << entry"),
    "unsigned sum": ("self.a.as_signed() *", "self.a *"),
    "other byte": ("word_select(target.lane, 8)", "word_select(target.lane ^ 1, 8)"),
    "starts always": ("m.If(self.start)", "m.If(1)"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_notices_a_bug(monkeypatch, bug):
    plant(monkeypatch, Requantise, "elaborate", *PLANTED[bug])
    with pytest.raises((AssertionError, ValueError)):
        check(Requantise(), [*near_limits(600), *vectors(INSTRUCTIONS, 100)], compute)


def test_encoding():
    (row,) = (row for row in TABLE if row.group == "xheed")
    assert (RQ.name, RQ.mask, RQ.match) == (row.name, row.mask, row.match)


def test_converts_to_verilog():
    assert "module requantise" in to_verilog(Requantise(), name="requantise")
