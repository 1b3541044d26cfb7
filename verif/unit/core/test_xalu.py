"""XCValu's unit against the model of the instruction set."""

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
LIMITS = [
    sign * (1 << bits) + offset for bits in range(32) for sign in (1, -1) for offset in (-1, 0, 1)
]


def close() -> list[Vector]:
    """Operands that are equal, neighbours or opposites, and values at the limits to clip to."""
    pairs = [(a, a + offset) for a in CORNERS for offset in (-1, 0, 1)]
    pairs += [(a, ~a) for a in CORNERS]
    return [
        (row, row.match, a & MASK, b & MASK, b & MASK) for row in INSTRUCTIONS for a, b in pairs
    ]


def at_limits() -> list[Vector]:
    immediate = [row for row in INSTRUCTIONS if row.name in ("cv.clip", "cv.clipu")]
    register = [row for row in INSTRUCTIONS if row.name in ("cv.clipr", "cv.clipur")]
    given = [
        (row, row.match | low << 20, limit & MASK, 0, 0)
        for row in immediate
        for low in range(32)
        for limit in LIMITS
    ]
    given += [
        (row, row.match, limit + offset & MASK, limit & MASK, 0)
        for row in register
        for limit in LIMITS
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
    check(XAlu(), vectors(INSTRUCTIONS, 100), compute)


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
    "rounds by the whole": ("_sum", "amount == n + 1", "amount == n"),
    "carry into a comparison": (
        "_sum",
        "m.Case(XAluKind.SUM)",
        "m.Case(XAluKind.SUM, XAluKind.ORDER)",
    ),
    "limit twice as high": ("elaborate", "self.low > n + 1", "self.low > n"),
    "no lower limit": ("elaborate", "Mux(op.unsigned, 0, ~picked)", "0"),
    "unsigned is signed": ("elaborate", "Mux(op.unsigned, second[31]", "Mux(0, second[31]"),
    "logical is arithmetic": ("elaborate", "total[31] & ~op.unsigned", "total[31]"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_finds(bug, monkeypatch):
    plant(monkeypatch, xalu.XAlu, *PLANTED[bug])
    with pytest.raises(AssertionError, match="not 0x"):
        check(XAlu(), [*vectors(INSTRUCTIONS, 30), *close()], compute)


def test_converts_to_verilog():
    assert "module xalu" in to_verilog(XAlu(), name="xalu")
