"""NoNorm against plain integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, nonorm

SEEDS = st.integers(0, 2**32 - 1)
TYPES = st.sampled_from(["int8", "int16"])


def draw(rng, shape, dtype):
    limit = np.iinfo(dtype).max
    return rng.integers(-limit - 1, limit + 1, shape).astype(dtype)


@given(SEEDS, TYPES, TYPES, st.booleans(), st.sampled_from([1, 4]))
def test_is_the_formula(seed, kind, residual_kind, joined, size):
    rng = np.random.default_rng(seed)
    x = draw(rng, (3, 4), kind)
    residual = draw(rng, (3, 4), residual_kind) if joined else None
    fields = {
        "mul": rng.integers(-(2**16), 2**16, size),
        "add": rng.integers(-(2**40), 2**40, size),
        "shift": rng.integers(0, 32, size),
        "rmul": rng.integers(-(2**16), 2**16, size),
        "rsh": rng.integers(0, 12, size),
    }
    got = nonorm(x, Entry(**fields), residual=residual)
    assert got.dtype == np.int8
    for row, column in np.ndindex(x.shape):
        mul, add, shift, rmul, rsh = (int(f[column % size]) for f in fields.values())
        total = int(x[row, column]) * mul + add
        if joined:
            total += (int(residual[row, column]) * rmul) << rsh
        assert got[row, column] == max(-128, min(127, total >> shift))


@pytest.mark.parametrize(
    ("x", "size", "residual", "message"),
    [
        (np.full((2, 3), 2**15), 3, None, "NoNorm input holds 32768"),
        (np.zeros((2, 3), np.int8), 2, None, "2 entries for 3 channels"),
        (np.zeros((2, 3), np.int8), 3, np.zeros((3, 2), np.int8), "residual has shape"),
        (np.zeros((2, 0), np.int8), 1, None, "no dimension may be 0"),
    ],
)
def test_bad_calls_are_named(x, size, residual, message):
    with pytest.raises(ValueError, match=message):
        nonorm(x, Entry(np.ones(size, int), 0, 0), residual=residual)
