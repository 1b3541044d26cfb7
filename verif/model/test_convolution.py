"""Convolutions against loops written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, conv1d, conv2d, depthwise, linear, max_pool

SEEDS = st.integers(0, 2**32 - 1)
GROUPS = st.integers(1, 3)
FEW = st.integers(1, 3)
PADDING = st.tuples(*[st.integers(0, 2)] * 4)
TYPES = st.sampled_from(["int8", "uint8"])
LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}


def draw(rng, shape, dtype="int8"):
    low, high = LIMITS[dtype]
    return rng.integers(low, high + 1, shape).astype(dtype)


def random_entry(rng, size):
    mul = rng.integers(-(2**10), 2**10, size)
    return Entry(mul, rng.integers(-(2**20), 2**20, size), rng.integers(10, 20, size))


def one(x, weight, entry, dtype, place, stride, dilation, padding, pad_value, groups):
    """The result at one place, before pooling, with Python's integers."""
    image, row, column, channel = place
    _, height, width, _ = x.shape
    outputs, kernel_height, kernel_width, inner = weight.shape
    first = channel // (outputs // groups) * inner
    acc = 0
    for i in range(kernel_height):
        for j in range(kernel_width):
            for k in range(inner):
                down = row * stride[0] + i * dilation[0] - padding[0]
                across = column * stride[1] + j * dilation[1] - padding[1]
                inside = 0 <= down < height and 0 <= across < width
                value = int(x[image, down, across, first + k]) if inside else pad_value
                acc += value * int(weight[channel, i, j, k])
    mul, add, shift = (int(field[channel]) for field in (entry.mul, entry.add, entry.shift))
    low, high = LIMITS[dtype]
    return max(low, min(high, (acc * mul + add) >> shift))


@given(
    SEEDS,
    st.tuples(FEW, FEW),
    st.tuples(FEW, FEW),
    st.tuples(FEW, FEW),
    PADDING,
    st.tuples(FEW, FEW),
    GROUPS,
    TYPES,
    TYPES,
)
def test_every_result(seed, kernel, stride, dilation, padding, pool, groups, x_type, y_type):
    rng = np.random.default_rng(seed)
    size = []
    for axis in (0, 1):
        seen = (kernel[axis] - 1) * dilation[axis] + 1 + (pool[axis] - 1) * stride[axis]
        least = max(1, seen - padding[axis] - padding[axis + 2])
        size.append(least + int(rng.integers(0, 4)))
    x = draw(rng, (int(rng.integers(1, 3)), *size, groups * int(rng.integers(1, 3))), x_type)
    outputs = groups * int(rng.integers(1, 3))
    weight = draw(rng, (outputs, *kernel, x.shape[3] // groups))
    entry = random_entry(rng, outputs)
    pad_value = int(rng.integers(LIMITS[x_type][0], LIMITS[x_type][1] + 1))
    got = conv2d(
        x,
        weight,
        entry,
        y_type,
        stride=stride,
        dilation=dilation,
        padding=padding,
        pad_value=pad_value,
        groups=groups,
        pool=pool,
    )
    assert got.dtype == y_type
    for axis in (0, 1):
        seen = (kernel[axis] - 1) * dilation[axis] + 1
        whole = (size[axis] + padding[axis] + padding[axis + 2] - seen) // stride[axis] + 1
        assert got.shape[1 + axis] == whole // pool[axis]
    assert (got.shape[0], got.shape[3]) == (x.shape[0], outputs)
    places = np.argwhere(np.ones(got.shape, bool)).tolist()
    for at in rng.permutation(len(places))[:20]:
        image, row, column, channel = places[at]
        want = max(
            one(
                x,
                weight,
                entry,
                y_type,
                (image, row * pool[0] + i, column * pool[1] + j, channel),
                stride,
                dilation,
                padding,
                pad_value,
                groups,
            )
            for i in range(pool[0])
            for j in range(pool[1])
        )
        assert got[image, row, column, channel] == want


@given(SEEDS, FEW, FEW, FEW)
def test_a_kernel_of_one_pixel_is_a_linear_layer(seed, height, width, channels):
    rng = np.random.default_rng(seed)
    x, weight = draw(rng, (height, width, channels)), draw(rng, (4, channels))
    entry = random_entry(rng, 4)
    got = conv2d(x, weight[:, None, None], entry)
    want = linear(x.reshape(-1, channels), weight, entry)
    np.testing.assert_array_equal(got.reshape(-1, 4), want)


@given(SEEDS, st.integers(4, 9), FEW, FEW)
def test_a_causal_convolution_sees_no_later_step(seed, steps, kernel, dilation):
    rng = np.random.default_rng(seed)
    x, weight = draw(rng, (steps, 3)), draw(rng, (2, kernel, 3))
    entry = random_entry(rng, 2)
    options = {"dilation": dilation, "padding": ((kernel - 1) * dilation, 0), "pad_value": -5}
    whole = conv1d(x, weight, entry, **options)
    assert whole.shape == (steps, 2)
    cut = int(rng.integers(1, steps))
    np.testing.assert_array_equal(conv1d(x[:cut], weight, entry, **options), whole[:cut])
    acc = sum(
        int(x[cut - (kernel - 1 - j) * dilation, k] if cut >= (kernel - 1 - j) * dilation else -5)
        * int(weight[1, j, k])
        for j in range(kernel)
        for k in range(3)
    )
    value = (acc * int(entry.mul[1]) + int(entry.add[1])) >> int(entry.shift[1])
    assert whole[cut, 1] == max(-128, min(127, value))


@given(SEEDS, FEW, FEW)
def test_depthwise_is_a_convolution_a_channel(seed, channels, kernel):
    rng = np.random.default_rng(seed)
    x, weight = draw(rng, (2, 5, 6, channels)), draw(rng, (channels, kernel, 2))
    entry = random_entry(rng, channels)
    got = depthwise(x, weight, entry, "uint8", padding=(1, 0, 0, 1), pad_value=3)
    for c in range(channels):
        own = Entry(entry.mul[c], entry.add[c], entry.shift[c])
        alone = weight[c : c + 1, :, :, None]
        want = conv2d(x[..., c : c + 1], alone, own, "uint8", padding=(1, 0, 0, 1), pad_value=3)
        np.testing.assert_array_equal(got[..., c], want[..., 0])


def test_pooling_takes_the_largest_results_and_drops_what_is_left_over():
    rng = np.random.default_rng(1)
    x, weight, entry = draw(rng, (7, 9, 2)), draw(rng, (3, 2, 2, 2)), random_entry(rng, 3)
    got = conv2d(x, weight, entry, pool=(4, 3))
    assert got.shape == (1, 2, 3)
    np.testing.assert_array_equal(got, max_pool(conv2d(x, weight, entry), (4, 3)))


@pytest.mark.parametrize(
    ("x", "weight", "options", "message"),
    [
        ((4, 4), (1, 1, 1, 4), {}, r"x has shape \(4, 4\)"),
        ((4, 4, 2), (1, 1, 2), {}, r"weight has shape \(1, 1, 2\)"),
        ((4, 4, 2), (1, 1, 1, 1, 2), {}, "4 dimensions are needed"),
        ((4, 4, 2), (4, 1, 1, 1), {"groups": 3}, "groups is 3; allowed are the divisors of 4"),
        ((4, 4, 2), (4, 1, 1, 2), {"groups": 2}, "x has 2 channels; 2 groups of 2"),
        ((4, 4, 2), (4, 5, 1, 2), {}, "the padded height is 4; a window needs 5 or more"),
        ((4, 4, 2), (4, 1, 2, 2), {"dilation": (1, 4)}, "width is 4; a window needs 5"),
        ((4, 4, 2), (4, 1, 1, 2), {"stride": (0, 1)}, r"stride is \(0, 1\)"),
        ((4, 4, 2), (4, 1, 1, 2), {"dilation": (1, 0)}, r"dilation is \(1, 0\)"),
        ((4, 4, 2), (4, 1, 1, 2), {"pool": (0, 1)}, r"window is \(0, 1\)"),
        ((4, 4, 2), (4, 1, 1, 2), {"pool": (5, 1)}, "height is 4; a window needs 5"),
        ((4, 4, 2), (4, 1, 1, 2), {"padding": (0, -1, 0, 0)}, "four numbers of 0 or more"),
        ((4, 4, 2), (4, 1, 1, 2), {"pad_value": 128}, "pad_value is 128; allowed is -128 to 127"),
        ((4, 4, 2), (4, 1, 1, 2), {"dtype": "int16"}, "dtype is 'int16'; allowed are int8, uint8"),
    ],
)
def test_bad_operands_are_named(x, weight, options, message):
    with pytest.raises(ValueError, match=message):
        conv2d(np.zeros(x, np.int8), np.zeros(weight, np.int8), Entry(1, 0, 0), **options)


def test_values_out_of_range_are_named():
    x, weight = np.zeros((2, 2, 1), np.int8), np.zeros((1, 1, 1, 1), np.int8)
    with pytest.raises(ValueError, match="weight holds 128"):
        conv2d(x, np.full(weight.shape, 128), Entry(1, 0, 0))
    with pytest.raises(ValueError, match="x holds 300"):
        conv2d(np.full(x.shape, 300), weight, Entry(1, 0, 0))
    with pytest.raises(ValueError, match="pad_value is -1; allowed is 0 to 255"):
        conv2d(x.astype(np.uint8), weight, Entry(1, 0, 0), pad_value=-1)
    with pytest.raises(ValueError, match="2 entries for 1 channels"):
        conv2d(x, weight, Entry(np.ones(2, int), 0, 0))
