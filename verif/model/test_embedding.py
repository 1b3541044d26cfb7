"""Embedding against plain integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, embedding

SEEDS = st.integers(0, 2**32 - 1)
TYPES = st.sampled_from(["int8", "int16"])
LIMITS = {"int8": (-128, 127), "int16": (-32768, 32767)}


def draw(rng, shape, dtype):
    low, high = LIMITS[dtype]
    return rng.integers(low, high + 1, shape).astype(dtype)


@given(SEEDS, TYPES, st.sampled_from(["int32", "uint16", "int64"]))
def test_rows_as_they_are(seed, dtype, kind):
    rng = np.random.default_rng(seed)
    table = draw(rng, (7, 3), dtype)
    ids = rng.integers(0, 7, 5).astype(kind)
    got = embedding(ids, table)
    assert got.dtype == table.dtype
    assert got.tolist() == [table.tolist()[i] for i in ids.tolist()]


@given(SEEDS, TYPES, TYPES, TYPES)
def test_is_the_formula(seed, kind, position_kind, dtype):
    rng = np.random.default_rng(seed)
    table, position = draw(rng, (9, 4), kind), draw(rng, (6, 4), position_kind)
    ids = rng.integers(0, 9, (2, 6))
    mul, rmul = (int(value) for value in rng.integers(-(2**16), 2**16, 2))
    plus, shift, rsh = int(rng.integers(-(2**40), 2**40)), int(rng.integers(0, 32)), 5
    got = embedding(ids, table, Entry(mul, plus, shift, rmul, rsh), dtype, position=position)
    assert got.dtype == dtype and got.shape == (2, 6, 4)
    low, high = LIMITS[dtype]
    for sequence, row, column in np.ndindex(got.shape):
        x = int(table[ids[sequence, row], column])
        total = x * mul + ((int(position[row, column]) * rmul) << rsh) + plus
        assert got[sequence, row, column] == max(low, min(high, total >> shift))


def test_positions_may_be_left_out():
    table = np.array([[1, 2], [3, -4]], np.int8)
    got = embedding(np.array([1, 0, 1]), table, Entry(10, 0, 1), "int16")
    assert got.tolist() == [[15, -20], [5, 10], [15, -20]]


TABLE = np.zeros((4, 3), np.int8)
ONE = Entry(1, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("arguments", "position", "message"),
    [
        (([0, 4], TABLE), None, "ids holds 4; allowed is 0 to 3"),
        (([-1], TABLE), None, "ids holds -1"),
        (([0.0], TABLE), None, "ids must hold integers"),
        (([0], TABLE[0]), None, "the table is int8"),
        (([0], TABLE.astype(int)), None, "the table is int64"),
        (([0], TABLE), TABLE[:1], "positions need an entry"),
        (([0], TABLE, Entry([1, 2, 3], 0, 0)), None, "3 entries"),
        (([0], TABLE, ONE, "uint8"), None, "dtype is 'uint8'"),
        (([0], TABLE, ONE), TABLE[:2], "position has shape"),
        (([0], TABLE, ONE), TABLE[:1].astype(int) + 2**15, "position holds 32768"),
    ],
)
def test_bad_calls_are_named(arguments, position, message):
    ids, *others = arguments
    with pytest.raises(ValueError, match=message):
        embedding(np.array(ids), *others, position=position)
