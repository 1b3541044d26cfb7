"""XCValu's unit against the model of the instruction set."""

import random

import pytest

from hw.core.instructions.xcv_alu import INSTRUCTIONS
from hw.core.units import xalu
from hw.core.units.xalu import XAlu
from hw.verilog import to_verilog
from sw_model.isa import compute
from sw_model.isa.table import TABLE
from verif.lib.encodings import xcv_encodings
from verif.lib.planted import plant
from verif.lib.unit_vectors import CORNERS, Vector, check, vectors

MASK = 0xFFFFFFFF


def close() -> list[Vector]:
    """Operands that are equal, neighbours or opposites."""
    pairs = [(a, a + offset) for a in CORNERS for offset in (-1, 0, 1)]
    pairs += [(a, ~a) for a in CORNERS]
    return [
        (row, row.match, a & MASK, b & MASK, b & MASK) for row in INSTRUCTIONS for a, b in pairs
    ]


def at_limits() -> list[Vector]:
    """Values around the limits to clip to, and around half and twice these."""
    given = []
    for row in INSTRUCTIONS:
        for bits in range(32) if row.name.startswith("cv.clip") else ():
            word = row.match if row.format.reads_rs2 else row.match | bits << 20
            for power in (1 << bits, 1 << bits >> 1, 1 << bits >> 2, 1 << 31):
                limit = power - 1 ^ (bits & 1) << 31  # bit 31 does not count
                given += [
                    (row, word, sign * power + offset & MASK, limit & MASK, 0)
                    for sign in (1, -1)
                    for offset in (-1, 0, 1)
                ]
    return given


def amounts() -> list[Vector]:
    """Every shift of sums that are cut, round up or do not."""
    return [
        (row, row.match | (amount << 25 if row.mask >> 29 == 0b110 else 0), a, b, c)
        for row in INSTRUCTIONS
        if row.name.startswith(("cv.add", "cv.sub"))
        for amount in range(32)
        for a, b, c in (
            (0x7FFFFFFF, amount, 0x7FFFFFFF),
            (0xFFFFFFFF, amount, 0),
            (5, amount, MASK),
        )
    ]


def test_every_instruction():
    check(XAlu(), vectors(INSTRUCTIONS, 60), compute)


def test_close_operands():
    check(XAlu(), close(), compute)


def test_limits():
    check(XAlu(), at_limits(), compute)


def test_shifts():
    check(XAlu(), amounts(), compute)


def test_encodings():
    known = {entry.mnemonic: (entry.mask, entry.match) for entry in xcv_encodings()}
    for row in INSTRUCTIONS:
        assert (row.mask, row.match) == known[row.name], row.name
    assert {row.name for row in INSTRUCTIONS} == {r.name for r in TABLE if r.group == "xcv_alu"}


PLANTED = {
    "rounds by the whole": ("_sum", "(op.round << amount) >> 1", "op.round << amount"),
    "carry into a comparison": (
        "_sum",
        "m.Case(XAluKind.SUM)",
        "m.Case(XAluKind.SUM, XAluKind.ORDER)",
    ),
    "limit twice as high": ("elaborate", "self.low > n + 1", "self.low > n"),
    "no lower limit": ("elaborate", "Mux(op.unsigned, 0, ~picked)", "0"),
    "limit's sign counts": ("elaborate", "self.b[:31]", "self.b[:31] & ~self.b[31].replicate(31)"),
    "unsigned is signed": ("elaborate", "Mux(op.unsigned, second[31]", "Mux(0, second[31]"),
    "logical is arithmetic": ("elaborate", "total[31] & ~op.unsigned", "total[31]"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_finds(bug, monkeypatch):
    plant(monkeypatch, xalu.XAlu, *PLANTED[bug])
    with pytest.raises(AssertionError, match="not 0x"):
        check(
            XAlu(), random.Random(5).sample([*vectors(INSTRUCTIONS, 20), *close()], 1000), compute
        )


def test_converts_to_verilog():
    assert "module xalu" in to_verilog(XAlu(), name="xalu")
