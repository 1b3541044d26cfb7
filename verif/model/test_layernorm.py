"""The integer LayerNorm against Python integers and float."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, layernorm, standardise
from sw_model.ops.layernorm import integer_sqrt

INT16 = st.integers(-32768, 32767)
ROWS = st.lists(INT16, min_size=1, max_size=70)
SEEDS = st.integers(0, 2**32 - 1)


def written_out(row):
    """The definition in Python integers, which have any width."""
    c, s1, s2 = len(row), sum(row), sum(value * value for value in row)
    v = max(c * s2 - s1 * s1, 1)
    e = (v.bit_length() + 1) // 2
    vn = v << (32 - 2 * e) if e <= 16 else v >> (2 * e - 32)
    sg = math.isqrt(vn)
    r = min((1 << 31) // sg, 65535)
    shift = 15 + e - 10
    half = (1 << shift) >> 1
    return [max(-32768, min(32767, ((c * x - s1) * r + half) >> shift)) for x in row]


@given(ROWS)
def test_is_the_definition(row):
    got = standardise(np.array([row], np.int16))
    assert got.dtype == np.int16
    assert got[0].tolist() == written_out(row)


@pytest.mark.parametrize("channels", [1, 2, 48, 4096])
def test_extreme_rows(channels):
    one = [32767] + [-32768] * (channels - 1)
    half = [32767, -32768] * (channels // 2) or [5]
    for row in (one, half, [-32768] * channels):
        assert standardise(np.array([row], np.int16))[0].tolist() == written_out(row)


def test_the_largest_reciprocal_is_clipped():
    """A variance of 4^14 makes the root a power of two, whose reciprocal needs a 17th bit."""
    row = [-2481, -2253, 269, -859, 77, -1103, 3429, 2921]
    assert len(row) * sum(x * x for x in row) - sum(row) ** 2 == 4**14
    got = standardise(np.array([row], np.int16))[0].tolist()
    assert got == written_out(row)
    assert got[2] == 134  # 269 / 2 just below the half, where 65536 would round up


@given(INT16, st.integers(1, 100))
def test_a_constant_row_gives_zeros(value, channels):
    assert not standardise(np.full((1, channels), value, np.int16)).any()


@given(SEEDS, st.integers(2, 200), st.integers(1, 10000))
def test_follows_the_float_norm(seed, channels, spread):
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(rng.uniform(-5000, 5000), spread, (2, channels)), -32768, 32767)
    x = np.round(x).astype(np.int16)
    real = x - x.mean(axis=1, keepdims=True)
    deviation = real.std(axis=1, keepdims=True)
    got = standardise(x) / 1024
    want = np.where(deviation == 0, 0, real / np.where(deviation == 0, 1, deviation))
    assert np.abs(got - want).max() < 1e-3 + 1e-4 * np.abs(want).max()


@given(SEEDS, st.integers(-1000, 1000))
def test_adding_a_constant_changes_nothing(seed, constant):
    x = np.random.default_rng(seed).integers(-30000, 30000, (3, 20))
    np.testing.assert_array_equal(
        standardise((x + constant).astype(np.int16)), standardise(x.astype(np.int16))
    )


@given(SEEDS)
def test_splitting_rows_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-32768, 32768, (4, 30)).astype(np.int16)
    entry = Entry(rng.integers(-999, 999, 30), rng.integers(-(2**20), 2**20, 30), 12)
    whole = layernorm(x, entry)
    for index, row in enumerate(x):
        np.testing.assert_array_equal(layernorm(row[None], entry)[0], whole[index])


@given(SEEDS, st.integers(0, 23))
def test_gamma_and_beta_come_last(seed, shift):
    rng = np.random.default_rng(seed)
    x = rng.integers(-32768, 32768, (4, 30)).astype(np.int16)
    mul, add = rng.integers(-(2**16), 2**16, 30), rng.integers(-(2**30), 2**30, 30)
    got = layernorm(x, Entry(mul, add, shift))
    want = np.clip((standardise(x).astype(int) * mul + add) >> shift, -128, 127)
    assert got.dtype == np.int8
    np.testing.assert_array_equal(got, want)


@given(st.integers(0, 2**32 - 1))
def test_the_root_is_exact(value):
    assert int(integer_sqrt(np.array([value]))[0]) == math.isqrt(value)


def test_the_root_is_exact_around_squares():
    roots = np.arange(1, 2**16, dtype=np.int64)
    np.testing.assert_array_equal(integer_sqrt(roots * roots), roots)
    np.testing.assert_array_equal(integer_sqrt(roots * roots - 1), roots - 1)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((1, 4097), np.int16), "4097 channels; allowed is 1 to 4096"),
        (np.full((1, 3), 40000), "LayerNorm input holds 40000"),
        (np.zeros((1, 0), np.int16), "no dimension may be 0"),
    ],
)
def test_bad_inputs_are_named(x, message):
    with pytest.raises(ValueError, match=message):
        layernorm(x, Entry(1, 0, 0))
