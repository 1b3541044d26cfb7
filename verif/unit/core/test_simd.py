"""XCVsimd's unit (but for dot products) against the model of the instruction set."""

import random

import pytest

from hw.core.instructions.xcv_simd import INSTRUCTIONS
from hw.core.types import Unit
from hw.core.units.simd import Simd
from hw.core.units.simd_lanes import SimdLanes
from hw.core.units.simd_mover import SimdMover
from hw.verilog import to_verilog
from sw_model.isa import compute
from sw_model.isa.table import TABLE
from verif.lib.encodings import xcv_encodings
from verif.lib.planted import plant
from verif.lib.unit_vectors import Vector, check, vectors

ROWS = [row for row in INSTRUCTIONS if row.unit is Unit.SIMD]
LANES = (0, 1, 2, 0x7E, 0x7F, 0x80, 0x81, 0xFE, 0xFF)


def close(each: int) -> list[Vector]:
    """Lanes at the ends of their ranges, and second operands near the first."""
    rng = random.Random(3)
    given = []
    for row in ROWS:
        for _ in range(each):
            a = int.from_bytes(rng.choices(LANES, k=4))
            flips = int.from_bytes(rng.choices((0, 0, 1, 0x80, 0xFF), k=4))
            word = rng.getrandbits(32) & ~row.mask | row.match
            given.append((row, word, a, a ^ flips, rng.getrandbits(32)))
    return given


def immediates() -> list[Vector]:
    """Every immediate of what moves bytes, and of one operation of each signedness."""
    rng = random.Random(4)
    moves = ("cv.extract", "cv.insert", "cv.shuffle")
    return [
        (row, row.match | number << 20, rng.getrandbits(32), 0, rng.getrandbits(32))
        for row in ROWS
        if row.name.startswith((*moves, "cv.max.sci", "cv.cmpgtu.sci")) and not row.mask >> 25 & 1
        for number in range(64)
    ]


def test_every_instruction():
    check(Simd(), vectors(ROWS, 16), compute)


def test_close_operands():
    check(Simd(), close(12), compute)


def test_immediates():
    check(Simd(), immediates(), compute)


def test_encodings():
    known = {entry.mnemonic: (entry.mask, entry.match) for entry in xcv_encodings()}
    for row in INSTRUCTIONS:
        assert (row.mask, row.match) == known[row.name], row.name
    assert {row.name for row in INSTRUCTIONS} == {r.name for r in TABLE if r.group == "xcv_simd"}


PLANTED = {
    "carry from byte to byte": (
        SimdLanes,
        "_sum",
        "Mux(op.half, ~HALF_TOPS, ~BYTE_TOPS)",
        "~HALF_TOPS",
    ),
    "no carry within halves": (
        SimdLanes,
        "_sum",
        "Mux(op.half, ~HALF_TOPS, ~BYTE_TOPS)",
        "~BYTE_TOPS",
    ),
    "conjugate negates both": (SimdLanes, "_sum", "conjugates, UPPER_HALF", "conjugates, ONES"),
    "unsigned is signed": (SimdLanes, "_compare", "Mux(order.unsigned, self.b, self.a)", "self.a"),
    "halves are equal by bytes": (SimdLanes, "_compare", "m.If(op.half)", "m.If(0)"),
    "average of unsigned is signed": (
        SimdLanes,
        "_shift",
        "sum_amount.eq(1), signed.eq(0)",
        "sum_amount.eq(1)",
    ),
    "left by one too many": (SimdLanes, "_shift", "Cat(below, byte) >> 1", "Cat(below, byte)"),
    "shift by 8 loses the sign": (
        SimdLanes,
        "_shift",
        "upper.eq(fill[n + 8 : n + 16])",
        "upper.eq(0)",
    ),
    "scalar bytes": (Simd, "elaborate", "b[:8].replicate(4)", "b[:16].replicate(2)"),
    "turned the other way": (Simd, "elaborate", "Cat(b[16:], a[:16])", "Cat(a[:16], b[16:])"),
    "insertion into byte 0": (SimdMover, "_sources", "b[:2] != k", "k != 0"),
    "shuffle takes rd for rs1": (SimdMover, "_sources", "b[8 * k + 2]", "~b[8 * k + 2]"),
    "packs the lower halves": (SimdMover, "_sources", "packs, op.scalar", "packs, 0"),
    "highest byte from the immediate": (SimdMover, "_sources", "k == BYTES - 1", "0"),
    "sign of bytes inverted": (SimdMover, "elaborate", "chosen[0][7]", "~chosen[0][7]"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_finds(bug, monkeypatch):
    plant(monkeypatch, *PLANTED[bug])
    with pytest.raises(AssertionError, match="not 0x"):
        check(Simd(), [*vectors(ROWS, 2), *close(2)], compute)


def test_converts_to_verilog():
    assert "module simd" in to_verilog(Simd(), name="simd")
