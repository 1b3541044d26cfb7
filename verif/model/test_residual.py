"""Residual addition: one rounding, saturation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, add

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from(["int8", "int16"]))
def test_add_is_the_formula(seed, dtype):
    rng = np.random.default_rng(seed)
    limit = 128 if dtype == "int8" else 32768
    a = rng.integers(-32768, 32768, (3, 4)).astype(np.int16)
    b = rng.integers(-limit, limit, (3, 4)).astype(dtype)
    p = Entry(
        rng.integers(-(2**16), 2**16),
        rng.integers(-(2**40), 2**40),
        rng.integers(0, 32),
        rng.integers(-(2**16), 2**16),
        rng.integers(0, 12),
    )
    got = add(a, b, p)
    assert got.dtype == np.int16
    mul, plus, shift, rmul, rsh = (
        int(getattr(p, name)[0]) for name in ("mul", "add", "shift", "rmul", "rsh")
    )
    for x, y, z in zip(a.flat, b.flat, got.flat, strict=True):
        total = (int(x) * mul + ((int(y) * rmul) << rsh) + plus) >> shift
        assert int(z) == max(-32768, min(32767, total))


@pytest.mark.parametrize(("dtype", "low", "high"), [("int8", -128, 127), ("int16", -300, 300)])
def test_the_sum_is_clipped_to_its_type(dtype, low, high):
    a = np.array([[-100, 100]], np.int8)
    got = add(a, 2 * a.astype(np.int16), Entry(1, 0, 0, 1, 0), dtype)
    assert got.dtype == dtype and got.tolist() == [[low, high]]


def test_plain_addition_saturates():
    a = np.array([[32767, -32768, 5, -5]], np.int16)
    b = np.array([[1, -1, -6, 7]], np.int16)
    np.testing.assert_array_equal(add(a, b, Entry(1, 0, 0, 1, 0)), [[32767, -32768, -1, 2]])


@pytest.mark.parametrize(
    ("b", "message"),
    [(np.zeros((2, 4), np.int16), "they must be the same"), (np.full((2, 3), 2**15), "b holds")],
)
def test_bad_additions_are_named(b, message):
    with pytest.raises(ValueError, match=message):
        add(np.zeros((2, 3), np.int16), b, Entry(1, 0, 0, 1, 0))
