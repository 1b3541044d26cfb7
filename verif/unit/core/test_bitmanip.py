"""XCVbitmanip's unit against the model of the instruction set."""

import random

import pytest

from hw.core.instructions.xcv_bitmanip import INSTRUCTIONS
from hw.core.units import bitmanip
from hw.core.units.bitmanip import Bitmanip
from hw.verilog import to_verilog
from sw_model.isa import compute
from sw_model.isa.table import TABLE
from verif.lib.encodings import xcv_encodings
from verif.lib.planted import plant
from verif.lib.unit_vectors import Vector, check, vectors

FIELDS = (*(f"cv.{name}" for name in ("extract", "extractu", "insert", "bclr", "bset", "bitrev")),)
COUNTS = ("cv.ff1", "cv.fl1", "cv.clb", "cv.cnt")


def fields() -> list[Vector]:
    """Every field, those that reach beyond bit 31 among them."""
    rng = random.Random(2)
    return [
        (row, row.match | extent << 25 | low << 20, rng.getrandbits(32), 0, rng.getrandbits(32))
        for row in INSTRUCTIONS
        if row.name in FIELDS
        for extent in range(32)
        for low in range(32)
    ]


def counts() -> list[Vector]:
    """Runs of zeros and ones of every length, from either end, with and without others."""
    runs = [(1 << bits) - 1 for bits in range(33)]
    runs += [run ^ 0xFFFFFFFF for run in runs] + [1 << bits for bits in range(32)]
    runs += [run ^ 0x80000000 for run in runs]
    return [
        (row, row.match, run, 0, 0) for row in INSTRUCTIONS if row.name in COUNTS for run in runs
    ]


def test_every_instruction():
    check(Bitmanip(), vectors(INSTRUCTIONS, 200), compute)


def test_fields():
    check(Bitmanip(), fields(), compute)


def test_counts():
    check(Bitmanip(), counts(), compute)


def test_encodings():
    known = {entry.mnemonic: (entry.mask, entry.match) for entry in xcv_encodings()}
    for row in INSTRUCTIONS:
        assert (row.mask, row.match) == known[row.name], row.name
    assert {row.name for row in INSTRUCTIONS} == {
        row.name for row in TABLE if row.group == "xcv_bitmanip"
    }


PLANTED = {
    "field ends at bit 30": ("elaborate", "ones >> (~end)[:5]", "ones >> 1 >> (~end)[:5]"),
    "sign of the bit below": ("elaborate", "bit_select(end, 1)", "bit_select(extent, 1)"),
    "insertion goes right": ("_move", "-position", "position"),
    "reversal goes round": ("_move", "around.eq(0)", "around.eq(self.a)"),
    "groups of three are of two": ("_groups", "group == 2, triples", "group == 2, pairs"),
    "leading bits of 0": ("_find", "find == BitFind.SIGN, 0, 32", "find == BitFind.SIGN, 31, 32"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_finds(bug, monkeypatch):
    plant(monkeypatch, bitmanip.Bitmanip, *PLANTED[bug])
    with pytest.raises(AssertionError, match="not 0x"):
        check(Bitmanip(), [*vectors(INSTRUCTIONS, 30), *counts()], compute)


def test_converts_to_verilog():
    assert "module bitmanip" in to_verilog(Bitmanip(), name="bitmanip")
