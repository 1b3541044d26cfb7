"""The integer softmax: its three pieces, and the properties that they give together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import EXP2_TABLE, bit_length, exponential, normalise, reciprocal

SEEDS = st.integers(0, 2**32 - 1)
STEPS = st.integers(1, 5)
TABLE = [255, 244, 234, 224, 214, 205, 197, 188, 180, 173, 165, 158, 152, 145, 139, 133]


def exponential_of(distance, j):
    """The definition for one distance, in Python integers."""
    t = distance << (4 - j) if j <= 4 else (distance + 1) >> 1
    e, f = t >> 4, t & 15
    return (TABLE[f] + ((1 << e) >> 1)) >> e


def random_rows(seed, rows=4, columns=20, masked=0.3):
    rng = np.random.default_rng(seed)
    low = int(rng.integers(-128, 120))
    logits = rng.integers(low, 128, (rows, columns)).astype(np.int8)
    return logits, rng.random((rows, columns)) >= masked, rng


def test_the_table_is_the_one_that_is_written_down():
    assert EXP2_TABLE.tolist() == TABLE


@pytest.mark.parametrize("j", range(1, 6))
def test_every_distance_gives_its_exponential(j):
    logits = np.stack([np.full(256, 127), np.arange(127, -129, -1)], axis=1).astype(np.int8)
    got = exponential(logits, np.True_, j)
    assert got.dtype == np.uint8
    assert got[:, 0].tolist() == [255] * 256
    assert got[:, 1].tolist() == [exponential_of(d, j) for d in range(256)]
    real = 255 * 2.0 ** (-np.arange(256) / 2**j)
    # A step of j = 5 is half a table entry: up to 255 * (2^(-1/32) - 2^(-2/32)) off.
    assert np.abs(got[:, 1] - real).max() <= (6 if j == 5 else 1)


@pytest.mark.parametrize("j", range(1, 6))
def test_the_exponential_is_monotone(j):
    logits = np.arange(-128, 128).astype(np.int8)
    assert (np.diff(exponential(logits, np.True_, j).astype(int)) >= 0).all()


@given(SEEDS, STEPS, st.integers(-127, 127))
def test_shifting_all_logits_changes_nothing(seed, j, shift):
    logits, mask, _ = random_rows(seed)
    moved = logits.astype(int) + shift
    if moved.min() >= -128 and moved.max() <= 127:
        np.testing.assert_array_equal(
            exponential(moved.astype(np.int8), mask, j), exponential(logits, mask, j)
        )


@given(SEEDS, STEPS)
def test_masked_logits_never_matter(seed, j):
    logits, mask, rng = random_rows(seed)
    other = np.where(mask, logits, rng.integers(-128, 128, logits.shape)).astype(np.int8)
    got = exponential(logits, mask, j)
    np.testing.assert_array_equal(exponential(other, mask, j), got)
    assert not got[~mask].any()
    assert (got.max(axis=1) == np.where(mask.any(axis=1), 255, 0)).all()


@given(st.integers(0, 2**50))
def test_bit_length_is_python_s(value):
    assert int(bit_length(np.array([value]))[0]) == value.bit_length()


@given(st.integers(1, 2**40))
def test_the_reciprocal_is_within_its_twelve_bits(total):
    r, nb = (int(part[0]) for part in reciprocal(np.array([total])))
    assert nb == total.bit_length()
    assert r == min((1 << (11 + nb)) // total, 4095)
    assert 2048 <= r <= 4095
    assert 1 - 2**-11 <= r * total / 2 ** (11 + nb) <= 1


def test_an_empty_sum_counts_as_one():
    r, nb = reciprocal(np.array([0, 1]))
    assert r.tolist() == [4095, 4095] and nb.tolist() == [1, 1]


@given(st.integers(-(2**28), 2**28), st.integers(0, 2**21), st.integers(0, 1))
def test_normalise_is_the_formula(weighted, total, g):
    total_or_one = max(total, 1)
    nb = total_or_one.bit_length()
    r = min((1 << (11 + nb)) // total_or_one, 4095)
    shift = 11 + nb - g
    want = max(-128, min(127, (weighted * r + ((1 << shift) >> 1)) >> shift))
    assert int(normalise(np.array([weighted]), np.array([total]), g)[0]) == want


@given(SEEDS, STEPS, st.integers(-128, 127), st.integers(1, 600))
def test_the_row_mass_is_one(seed, j, value, columns):
    """Equal values come out as they went in, whatever the logits and however many."""
    rng = np.random.default_rng(seed)
    logits = rng.integers(-128, 128, (1, columns)).astype(np.int8)
    e = exponential(logits, np.True_, j).astype(np.int64)
    total = e.sum(axis=1, keepdims=True)
    assert abs(int(normalise(total * value, total, 0)[0, 0]) - value) <= 1


@pytest.mark.parametrize("columns", [1, 2, 64, 256, 512, 4096])
def test_uniform_rows_keep_their_mass(columns):
    e = exponential(np.full((1, columns), -7, np.int8), np.True_, 4).astype(np.int64)
    total = e.sum(axis=1)
    assert normalise(total * 100, total, 0)[0] == 100


@given(SEEDS, st.integers(2, 5), st.integers(1, 128))
def test_follows_the_float_softmax(seed, j, columns):
    rng = np.random.default_rng(seed)
    logits = rng.integers(-128, 128, (3, columns)).astype(np.int8)
    v = rng.integers(-128, 128, (columns, 4))
    e = exponential(logits, np.True_, j).astype(np.int64)
    got = normalise(e @ v, e.sum(axis=1, keepdims=True), 0)
    p = 2.0 ** ((logits - logits.max(axis=1, keepdims=True).astype(float)) / 2**j)
    want = p / p.sum(axis=1, keepdims=True) @ v
    assert np.abs(got - want).max() < 5  # of 255: the tail below 2^-9 is lost, E has 8 bits


@given(SEEDS)
def test_the_gain_doubles(seed):
    rng = np.random.default_rng(seed)
    total = rng.integers(1, 2**16, 50)
    weighted = rng.integers(-(2**20), 2**20, 50)
    np.testing.assert_array_equal(normalise(weighted, total, 1), normalise(2 * weighted, total, 0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exponential(np.zeros(3, int), np.True_, 0), "j holds 0; allowed is 1 to 5"),
        (lambda: exponential(np.zeros(3, int), np.True_, 6), "j holds 6"),
        (lambda: exponential(np.full(3, 128), np.True_, 1), "logits holds 128"),
        (lambda: normalise(np.zeros(1, int), np.ones(1, int), 2), "g holds 2"),
        (lambda: reciprocal(np.array([-1])), "D holds -1"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
