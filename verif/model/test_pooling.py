"""Pooling against loops written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, average_pool, max_pool

SEEDS = st.integers(0, 2**32 - 1)
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
TYPES = st.sampled_from(["int8", "uint8"])
LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}


def case(seed, window, dtype, stride):
    """An image, its padding, and the size of the result."""
    rng = np.random.default_rng(seed)
    low, high = LIMITS[dtype]
    padding = tuple(int(rng.integers(0, size)) for size in window * 2)
    size = [
        max(1, window[axis] - padding[axis] - padding[axis + 2]) + int(rng.integers(0, 4))
        for axis in (0, 1)
    ]
    x = rng.integers(low, high + 1, (2, *size, 3)).astype(dtype)
    shape = [
        (size[axis] + padding[axis] + padding[axis + 2] - window[axis]) // stride[axis] + 1
        for axis in (0, 1)
    ]
    return x, padding, (2, *shape, 3)


def seen(x, window, stride, padding, place):
    """The values of the window of one result, None outside the image."""
    image, row, column, channel = place
    for i in range(window[0]):
        for j in range(window[1]):
            down = row * stride[0] + i - padding[0]
            across = column * stride[1] + j - padding[1]
            inside = 0 <= down < x.shape[1] and 0 <= across < x.shape[2]
            yield int(x[image, down, across, channel]) if inside else None


@given(SEEDS, PAIRS, PAIRS, TYPES)
def test_the_largest_value(seed, window, stride, dtype):
    x, padding, shape = case(seed, window, dtype, stride)
    got = max_pool(x, window, stride=stride, padding=padding)
    assert got.dtype == dtype and got.shape == shape
    for place in np.ndindex(*shape):
        values = [v for v in seen(x, window, stride, padding, place) if v is not None]
        assert got[place] == max(values)


@given(SEEDS, PAIRS, PAIRS, TYPES, TYPES)
def test_the_rounded_sum(seed, window, stride, x_type, y_type):
    x, padding, shape = case(seed, window, x_type, stride)
    low, high = LIMITS[x_type]
    pad_value = seed % (high - low + 1) + low
    mul, shift = round(2**14 / (window[0] * window[1])), 14
    add = (-(low + 128) << shift) + (1 << (shift - 1))
    got = average_pool(
        x,
        window,
        Entry(mul, add, shift),
        y_type,
        stride=stride,
        padding=padding,
        pad_value=pad_value,
    )
    assert got.dtype == y_type and got.shape == shape
    for place in np.ndindex(*shape):
        values = seen(x, window, stride, padding, place)
        total = sum(pad_value if value is None else value for value in values)
        want = (total * mul + add) >> shift
        assert got[place] == max(LIMITS[y_type][0], min(LIMITS[y_type][1], want))


def test_windows_follow_each_other_without_a_stride():
    x = np.arange(35, dtype=np.int8).reshape(5, 7, 1)
    np.testing.assert_array_equal(max_pool(x, (2, 3))[..., 0], [[9, 12], [23, 26]])
    sums = average_pool(x, (2, 3), Entry(1, 0, 1))[..., 0]
    np.testing.assert_array_equal(sums, [[27 >> 1, 45 >> 1], [111 >> 1, 129 >> 1]])


@pytest.mark.parametrize(
    ("shape", "window", "options", "message"),
    [
        ((4, 4), (1, 1), {}, r"pool input has shape \(4, 4\)"),
        ((4, 4, 1), (5, 1), {}, "the padded height is 4; a window needs 5"),
        ((4, 4, 1), (0, 1), {}, r"window is \(0, 1\)"),
        ((4, 4, 1), (2, 2), {"stride": (1, 0)}, r"stride is \(1, 0\)"),
        ((4, 4, 1), (2, 2), {"padding": (0, 0, 0, -1)}, "four numbers of 0 or more"),
    ],
)
def test_bad_operands_are_named(shape, window, options, message):
    x = np.zeros(shape, np.int8)
    with pytest.raises(ValueError, match=message):
        max_pool(x, window, **options)
    with pytest.raises(ValueError, match=message):
        average_pool(x, window, Entry(1, 0, 0), **options)


def test_what_only_one_kind_refuses():
    x = np.zeros((4, 4, 1), np.uint8)
    with pytest.raises(ValueError, match=r"windows of \(2, 3\) allow less"):
        max_pool(x, (2, 3), padding=(2, 0, 0, 0))
    with pytest.raises(ValueError, match="pad_value is -1; allowed is 0 to 255"):
        average_pool(x, (2, 2), Entry(1, 0, 0), pad_value=-1)
    with pytest.raises(ValueError, match="2 entries; an average takes 1"):
        average_pool(x, (2, 2), Entry(np.ones(2, int), 0, 0))
    with pytest.raises(ValueError, match="dtype is 'int32'; allowed are int8, uint8"):
        average_pool(x, (2, 2), Entry(1, 0, 0), "int32")
