"""The unit of dot products and complex products against the model of the ISA."""

import itertools
import random

import pytest

from hw.core.instructions.xcv_dot import DOT_ROWS
from hw.core.units import dot
from hw.core.units.dot import Dot
from hw.verilog import to_verilog
from sw_model.isa import compute
from verif.lib.encodings import xcv_encodings
from verif.lib.planted import plant
from verif.lib.unit_vectors import Vector, check, vectors

BYTES = (0, 1, 0x7F, 0x80, 0xFF)
HALVES = (0, 1, 0x7FFF, 0x8000, 0xFFFF)


def corners(each: int) -> list[Vector]:
    """Elements at the ends of their ranges."""
    rng = random.Random(2)

    def operand() -> int:
        if rng.randrange(2):
            return int.from_bytes(rng.choices(BYTES, k=4), "little")
        return rng.choice(HALVES) << 16 | rng.choice(HALVES)

    return [
        (row, row.match | rng.choice((0, 31, 15, 16)) << 20, operand(), operand(), operand())
        for row in DOT_ROWS
        for _ in range(each)
    ]


def single_elements() -> list[Vector]:
    """One element of each operand is not zero: every pair of places, and of corners."""
    given = []
    for row in DOT_ROWS:
        width, values = (8, BYTES) if row.name.endswith("b") else (16, HALVES)
        places = range(0, 32, width)
        for (i, a), (j, b) in itertools.product(itertools.product(places, values[-2:]), repeat=2):
            given.append((row, row.match, a << i, b << j, 0x12345678))
    return given


def immediates() -> list[Vector]:
    """Every immediate of the forms with one."""
    return [
        (row, row.match | number << 20, 0xFF817F03, 0, 5)
        for row in DOT_ROWS
        if not row.mask >> 25 & 1
        for number in range(64)
    ]


def test_random():
    check(Dot(), vectors(DOT_ROWS, 50), compute)


def test_corners():
    check(Dot(), corners(25), compute)


def test_single_elements():
    check(Dot(), single_elements(), compute)


def test_immediates():
    check(Dot(), immediates(), compute)


PLANTED = {
    "signs of bytes": (dot, "_correction", "0xFFFF << 7", "0xFFFF << 8"),
    "signs of halves": (dot, "_correction", "0xFFFF << 15", "0x7FFF << 15"),
    "sdotusp as sdotup": (dot, "_product", "op.bytes & op.b_signed", "op.bytes & op.a_signed"),
    "upper sign of b": (dot, "_product", "op.b_signed.replicate", "op.a_signed.replicate"),
    "lower sign of b": (dot, "_product", "C(0x7F, 7), halves", "C(0x7F, 7), 1"),
    "lower sign of a": (dot, "_product", "op.a_signed & for_low[15]", "0"),
    "upper sign of a": (dot, "_product", "op.a_signed & a[15]", "a[15]"),
    "upper byte of halves": (dot, "_product", "Mux(halves, high_signs, 0)", "0"),
    "zeros that are none": (dot, "_product", "op.bytes.replicate(8)", "halves.replicate(8)"),
    "bytes in one place": (dot, "_product", "Mux(op.bytes, a[8:], a)", "a"),
    "scalar ignored": (dot, "_product", "op.bytes & op.scalar", "0"),
    "always accumulates": (Dot, "elaborate", "m.Elif(op.accumulate)", "m.Else()"),
    "real part without 1": (Dot, "elaborate", "addend.eq(upper.as_signed())", "addend.eq(0)"),
    "imaginary part kept": (Dot, "elaborate", "Cat(self.c[:16], part)", "Cat(C(0, 16), part)"),
    "div8 as div4": (Dot, "elaborate", ">> op.divide", ">> op.divide[1]"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_notices_a_bug(monkeypatch, bug):
    plant(monkeypatch, *PLANTED[bug])
    with pytest.raises(AssertionError):
        check(Dot(), vectors(DOT_ROWS, 8), compute)


def test_encodings():
    known = {entry.mnemonic: (entry.mask, entry.match) for entry in xcv_encodings()}
    for row in DOT_ROWS:
        assert (row.mask, row.match) == known[row.name], row.name
    names = {name for name in known if "dot" in name or "cplxmul" in name}
    assert {row.name for row in DOT_ROWS} == names


def test_converts_to_verilog():
    assert "module dot" in to_verilog(Dot(), name="dot")
