"""Requantisation against exact Python integers and real arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, requantise, wrap32
from sw_model.ops.check import LIMITS

MULS = st.integers(-(2**16), 2**16 - 1)
ADDS = st.integers(-(2**47), 2**47 - 1)
SHIFTS = st.integers(0, 31)
ACCS = st.integers(-(2**31), 2**31 - 1)
NARROW = st.sampled_from(["int8", "uint8", "int16"])


def one(acc, mul, add, shift, dtype, residual=None, rmul=0, rsh=0):
    entry = Entry(mul, add, shift, rmul, rsh)
    residual = None if residual is None else np.array([residual], np.int16)
    return int(requantise(np.array([acc]), entry, dtype, residual=residual)[0])


def clip(value, dtype):
    low, high = LIMITS[dtype]
    return max(low, min(high, value))


@given(ACCS, MULS, ADDS, SHIFTS, NARROW)
def test_is_the_formula(acc, mul, add, shift, dtype):
    assert one(acc, mul, add, shift, dtype) == clip((acc * mul + add) >> shift, dtype)


@given(ACCS, MULS, ADDS, SHIFTS, NARROW, st.integers(-(2**15), 2**15 - 1), MULS, st.integers(0, 30))
def test_is_the_formula_with_a_residual(acc, mul, add, shift, dtype, r, rmul, rsh):
    want = clip((acc * mul + ((r * rmul) << rsh) + add) >> shift, dtype)
    assert one(acc, mul, add, shift, dtype, r, rmul, rsh) == want


@given(st.integers(-(2**15), 2**15 - 1), MULS, st.integers(31, 63))
def test_the_sum_wraps_at_64_bits(r, rmul, rsh):
    wrapped = ((((r * rmul) << rsh) + 2**63) % 2**64) - 2**63
    assert one(0, 0, 0, 31, "int16", r, rmul, rsh) == clip(wrapped >> 31, "int16")


@given(st.integers(-(2**20), 2**20), st.integers(1, 2**16 - 1), st.integers(1, 31))
def test_the_half_in_add_rounds_half_up(acc, mul, shift):
    exact = Fraction(acc * mul, 2**shift)
    got = one(acc, mul, 1 << (shift - 1), shift, "int16")
    if -32768 < got < 32767:
        assert Fraction(-1, 2) < got - exact <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("int8", -128, 127), ("uint8", 0, 255), ("int16", -32768, 32767)],
)
def test_saturates_at_both_ends(dtype, low, high):
    acc = np.array([low - 1, low, high, high + 1, -(2**31), 2**31 - 1])
    got = requantise(acc, Entry(1, 0, 0), dtype)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, [low, low, high, high, low, high])


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=8))
def test_accumulators_wrap_at_32_bits(values):
    want = [(value + 2**31) % 2**32 - 2**31 for value in values]
    np.testing.assert_array_equal(wrap32(np.array(values)), want)
    raw = requantise(np.array(values), None, "int32")
    assert raw.dtype == np.int32
    np.testing.assert_array_equal(raw, want)
    narrow = requantise(np.array(values), Entry(1, 0, 20), "int16")
    np.testing.assert_array_equal(narrow, np.array(want) >> 20)


@pytest.mark.parametrize("axis", [-1, -2, -3])
def test_entries_run_along_their_axis(axis):
    rng = np.random.default_rng(0)
    acc = rng.integers(-1000, 1000, (2, 3, 4))
    size = acc.shape[axis]
    mul, add, shift = np.arange(1, size + 1), np.arange(size) * 100, np.arange(size)
    got = requantise(acc, Entry(mul, add, shift), "int16", axis=axis)
    for index in range(size):
        part = np.take(acc, index, axis)
        want = requantise(part, Entry(mul[index], add[index], shift[index]), "int16")
        np.testing.assert_array_equal(np.take(got, index, axis), want)
    common = requantise(acc, Entry(3, 5, 1), "int16", axis=axis)
    np.testing.assert_array_equal(common, (acc * 3 + 5) >> 1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mul": 2**16}, "mul holds 65536; allowed is -65536 to 65535"),
        ({"mul": -(2**16) - 1}, "mul holds -65537"),
        ({"add": 2**47}, "add holds 140737488355328"),
        ({"add": -(2**47) - 1}, "add holds -140737488355329"),
        ({"shift": 32}, "shift holds 32"),
        ({"shift": -1}, "shift holds -1"),
        ({"rmul": 2**16}, "rmul holds 65536"),
        ({"rsh": 64}, "rsh holds 64"),
        ({"mul": 1.0}, "mul must hold integers"),
        ({"mul": [1, 2], "add": [1, 2, 3]}, "different lengths"),
        ({"mul": [[1]]}, "mul has shape"),
    ],
)
def test_bad_entries_are_named(fields, message):
    with pytest.raises(ValueError, match=message):
        Entry(**{"mul": 1, "add": 0, "shift": 0, **fields})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Entry(1, 0, 0), "int4"), "dtype is 'int4'"),
        ((Entry(1, 0, 0), "int32"), "raw accumulator"),
        ((None, "int8"), "needs an entry"),
        ((Entry([1, 2], 0, 0), "int8"), "2 entries for 3 channels"),
    ],
)
def test_bad_calls_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        requantise(np.zeros((2, 3), np.int64), *arguments)


def test_a_residual_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="residual has shape"):
        requantise(np.zeros((2, 3)), Entry(1, 0, 0), residual=np.zeros((3, 2), np.int8))
