"""Linear layers against sums written out, and against float."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, accumulate, linear, requantise

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 9)


def operands(rng, rows, columns, inner, dtype="int8"):
    low, high = (0, 256) if dtype == "uint8" else (-128, 128)
    x = rng.integers(low, high, (rows, inner)).astype(dtype)
    return x, rng.integers(-128, 128, (columns, inner)).astype(np.int8)


def random_entry(rng, size):
    mul = rng.integers(-(2**10), 2**10, size)
    return Entry(mul, rng.integers(-(2**20), 2**20, size), rng.integers(0, 20, size))


@given(SEEDS, SIZES, SIZES, SIZES, st.sampled_from(["int8", "uint8"]))
def test_raw_accumulators_are_the_sums(seed, rows, columns, inner, dtype):
    x, weight = operands(np.random.default_rng(seed), rows, columns, inner, dtype)
    want = [[sum(int(a) * int(b) for a, b in zip(r, c, strict=True)) for c in weight] for r in x]
    got = linear(x, weight, None, "int32")
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, want)


def test_accumulators_wrap():
    inner = 2**17  # 2^17 products of 2^14 reach 2^31
    x = np.full((1, inner), -128, np.int8)
    assert accumulate(x, x)[0, 0] == -(2**31)
    assert linear(x, x, None, "int32")[0, 0] == -(2**31)
    assert linear(x[:, 1:], x[:, 1:], None, "int32")[0, 0] == 2**31 - 2**14


@given(SEEDS, SIZES, SIZES, SIZES, st.sampled_from(["int8", "uint8", "int16"]))
def test_transposed_is_the_transpose(seed, rows, columns, inner, dtype):
    rng = np.random.default_rng(seed)
    x, weight = operands(rng, rows, columns, inner)
    entry = random_entry(rng, columns)
    plain = linear(x, weight, entry, dtype)
    turned = linear(x, weight, entry, dtype, transposed=True)
    np.testing.assert_array_equal(turned, plain.T)
    # The same with the operands' roles swapped and an entry a row, as the engine does it.
    swapped = requantise(accumulate(weight.astype(int), x.astype(int)), entry, dtype, axis=-2)
    np.testing.assert_array_equal(swapped, turned)


@given(SEEDS, st.integers(2, 9), SIZES, SIZES, st.data())
def test_splitting_rows_or_columns_changes_nothing(seed, rows, columns, inner, data):
    rng = np.random.default_rng(seed)
    x, weight = operands(rng, rows, columns, inner)
    entry = random_entry(rng, columns)
    whole = linear(x, weight, entry)
    cut = data.draw(st.integers(1, rows - 1))
    parts = [linear(x[:cut], weight, entry), linear(x[cut:], weight, entry)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    for c in range(columns):
        own = Entry(entry.mul[c], entry.add[c], entry.shift[c])
        np.testing.assert_array_equal(linear(x, weight[c : c + 1], own)[:, 0], whole[:, c])


@given(SEEDS)
def test_follows_the_float_layer(seed):
    """With scales of a real layer the result is the float one, rounded."""
    rng = np.random.default_rng(seed)
    x, weight = operands(rng, 6, 5, 64)
    factor = rng.uniform(1e-4, 2e-3, 5)
    bias = rng.normal(0, 20, 5)
    mul = np.round(factor * 2.0**24).astype(int)
    add = np.round(bias * 2.0**24).astype(int) + 2**23
    got = linear(x, weight, Entry(mul, add, 24))
    want = np.clip((x.astype(float) @ weight.T.astype(float)) * factor + bias, -128, 127)
    assert np.abs(got - want).max() <= 0.5 + 0.04


def test_a_table_applies_after_the_clip():
    table = np.arange(-128, 128, dtype=np.int8)[::-1].copy()
    x = np.array([[-100], [-3], [0], [100]], np.int8)
    got = linear(x, np.array([[4]], np.int8), Entry(1, 0, 0), table=table)
    np.testing.assert_array_equal(got[:, 0], [127, 11, -1, -128])
    unsigned = linear(x, np.array([[4]], np.int8), Entry(1, 0, 0), "uint8", table=table)
    assert unsigned.dtype == np.uint8
    np.testing.assert_array_equal(unsigned[:, 0], [127, 11, 255, 128])


def test_a_residual_joins_before_the_shift():
    x, weight = np.array([[1]], np.int8), np.array([[1]], np.int8)
    residual = np.array([[1]], np.int16)
    entry = Entry(1, 0, 1, 1, 0)
    assert linear(x, weight, entry, "int16", residual=residual)[0, 0] == 1  # (1 + 1) >> 1


@pytest.mark.parametrize(
    ("x", "weight", "options", "message"),
    [
        (np.zeros((2, 3), int), np.zeros((4, 2), int), {}, "do not have one inner size"),
        (np.zeros(3, int), np.zeros((4, 3), int), {}, r"x has shape \(3,\)"),
        (np.zeros((2, 0), int), np.zeros((4, 0), int), {}, "no dimension may be 0"),
        (np.full((2, 3), 128), np.zeros((4, 3), int), {}, "x holds 128"),
        (np.zeros((2, 3), int), np.full((4, 3), -129), {}, "weight holds -129"),
        (np.zeros((2, 3)), np.zeros((4, 3), int), {}, "x must hold integers"),
        (
            np.zeros((2, 3), int),
            np.zeros((4, 3), int),
            {"dtype": "int16", "table": np.zeros(256, int)},
            "table needs int8 or uint8 output, not int16",
        ),
    ],
)
def test_bad_operands_are_named(x, weight, options, message):
    with pytest.raises(ValueError, match=message):
        linear(x, weight, Entry(1, 0, 0), **options)
