"""The dialect's element-wise operators against their definitions in Python integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.dialect import i_gelu, i_hardswish, i_nonorm, requant_shift

INT8 = st.integers(-128, 127)
INT32 = st.integers(-(2**31), 2**31 - 1)
SHIFT = st.integers(0, 31)
LEVELS = st.sampled_from([2, 3, 16, 255, 256, 1024, 2**31])


def clipped(value, n, signed):
    low, high = (-(n // 2), n // 2 - 1) if signed else (0, n - 1)
    return max(low, min(high, value))


@given(st.lists(INT32, min_size=1, max_size=20), INT32, INT32, SHIFT, LEVELS, st.booleans())
def test_requant_shift_is_the_definition(x, mul, add, shift, n, signed):
    got = requant_shift(np.array(x), mul, add, div=1 << shift, n_levels=n, signed=signed)
    half = 2**shift // 2
    assert got.tolist() == [clipped((v * mul + add + half) // 2**shift, n, signed) for v in x]
    assert got.dtype == (("int8" if signed else "uint8") if n <= 256 else "int32")


@pytest.mark.parametrize(
    ("x", "mul", "add", "div", "n", "signed", "y"),
    [
        (5, 3, 0, 2, 256, True, 8),  # 7.5 rounds up
        (-5, 3, 0, 2, 256, True, -7),  # -7.5, too
        (-5, 3, 0, 1, 256, True, -15),  # no rounding without a shift
        (100, 2, 0, 1, 256, True, 127),
        (-100, 2, 0, 1, 256, True, -128),
        (100, 2, 0, 1, 256, False, 200),
        (-1, 1, 0, 1, 256, False, 0),
        (9, 1, 0, 1, 8, True, 3),
        (9, 1, 0, 1, 8, False, 7),
        (2**31 - 1, 2**31 - 1, 2**31 - 1, 2**31, 2**31, False, 2**31 - 1),
        (-(2**31), 2**31 - 1, 0, 2**31, 2**32, True, -(2**31) + 1),
    ],
)
def test_requant_shift_by_hand(x, mul, add, div, n, signed, y):
    assert requant_shift(np.array([x]), mul, add, div=div, n_levels=n, signed=signed) == [y]


def test_requant_shift_per_channel_row_and_batch():
    x = np.arange(24).reshape(2, 3, 4)
    keys = {"div": 1, "n_levels": 2**20, "signed": True}
    for mul in ([1, 2, 3, 4], [[1], [2], [3]], [[[5]], [[7]]], [[[1, 2, 3, 4]]]):
        got = requant_shift(x, np.array(mul), 1, **keys)
        assert np.array_equal(got, x * np.array(mul) + 1)
    channel = np.array([[[1]], [[2]], [[3]]])  # of a 1-D convolution
    assert np.array_equal(requant_shift(x, channel, 0, **keys), x * channel[:, :, 0])
    assert np.array_equal(requant_shift(x, 1, channel, **keys), x + channel[:, :, 0])


def test_without_loss_requant_shift_undoes_itself():
    x = np.arange(-128, 128).astype(np.int8)
    there = requant_shift(x, 1000, -17, div=1, n_levels=2**20, signed=True)
    back = requant_shift(there, 2**20 // 1000, 0, div=2**20, n_levels=256, signed=True)
    assert np.array_equal(back, x)


@given(st.lists(INT8, min_size=1), st.integers(-(2**11), -1), st.integers(-(2**22), 2**22))
def test_i_gelu_is_the_definition(x, b, one):
    def scalar(v):
        q = min(abs(v), -b)
        error = (one - (q + b) ** 2) * ((v > 0) - (v < 0))
        return v * ((one + error) // 2)

    got = i_gelu(np.array(x, np.int8), b=b, one=one)
    assert got.dtype == np.int32 and got.tolist() == [scalar(v) for v in x]


def test_i_gelu_by_hand():
    # b = -4, one = 20: L(2) = 20 - 4 = 16, L(-2) = -16, L(5) = 20, L(-5) = -20.
    got = i_gelu(np.array([0, 2, -2, 5, -5], np.int8), b=-4, one=20)
    assert got.tolist() == [0, 2 * 18, -2 * 2, 5 * 20, 0]


def test_i_gelu_ends_in_lines():
    """Below b it is 0, above -b a multiple of the input."""
    x = np.arange(-128, 128).astype(np.int8)
    got = i_gelu(x, b=-50, one=4000)
    assert not got[x <= -50].any()
    assert np.array_equal(got[x >= 50], 4000 * x[x >= 50].astype(int))


@given(
    st.lists(INT8, min_size=1), st.integers(-200, 200), st.integers(0, 400), st.integers(-99, 99)
)
def test_i_hardswish_is_the_definition(x, three, six, sixth):
    got = i_hardswish(np.array(x, np.int8), three=three, six=six, one_over_six=sixth)
    assert got.tolist() == [v * (max(0, min(six, v + three)) * sixth) for v in x]


def test_i_hardswish_by_hand():
    got = i_hardswish(np.array([-4, -2, 0, 2, 4]), three=3, six=6, one_over_six=10)
    assert got.tolist() == [0, -20, 0, 100, 240]


@given(
    st.lists(st.tuples(INT8, st.integers(-(2**20), 2**20), INT32), min_size=1, max_size=20),
    INT32,
    SHIFT,
    LEVELS,
    st.booleans(),
)
def test_i_nonorm_is_the_definition(columns, mul, shift, n, signed):
    x, w, b = (np.array(values) for values in zip(*columns, strict=True))
    b = b // 2
    got = i_nonorm(x, w, b, mul=mul, d=1 << shift, n_levels=n, signed=signed)
    wanted = [
        clipped((v * f + a) * mul // 2**shift, n, signed)
        for v, f, a in zip(x.tolist(), w.tolist(), b.tolist(), strict=True)
    ]
    assert got.tolist() == wanted


def test_i_nonorm_does_not_round():
    got = i_nonorm(np.array([[1, -1]]), np.array([3, 3]), np.array([0, 0]), mul=1, d=4)
    assert got.tolist() == [[0, -1]]


KEYS = {"div": 2, "n_levels": 256, "signed": True}
X = np.zeros((2, 3), np.int8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: requant_shift(X.astype(float), 1, 0, **KEYS), "input must hold integers"),
        (lambda: requant_shift(np.array([2**31]), 1, 0, **KEYS), "input holds 2147483648"),
        (lambda: requant_shift(X, 2**31, 0, **KEYS), "mul holds 2147483648"),
        (lambda: requant_shift(X, 1, -(2**31) - 1, **KEYS), "add holds -2147483649"),
        (lambda: requant_shift(X, [1, 2], 0, **KEYS), r"mul has shape \(2,\)"),
        (lambda: requant_shift(X, np.ones((1, 2, 3), int), 0, **KEYS), r"mul has shape \(1, 2, 3"),
        (lambda: requant_shift(X, 1, 0, **KEYS | {"div": 3}), "div is 3; powers of two"),
        (lambda: requant_shift(X, 1, 0, **KEYS | {"div": 0}), "div holds 0; allowed is 1"),
        (lambda: requant_shift(X, 1, 0, **KEYS | {"div": 2**32}), "div holds 4294967296"),
        (lambda: requant_shift(X, 1, 0, **KEYS | {"n_levels": 1}), "n_levels holds 1"),
        (
            lambda: requant_shift(X, 1, 0, div=1, n_levels=2**31 + 1, signed=False),
            "n_levels holds 2147483649; allowed is 2 to 2147483648",
        ),
        (lambda: i_gelu(X, b=0, one=1), "b holds 0; allowed is -2147483648 to -1"),
        (lambda: i_gelu(X, b=[-1, -2], one=1), "b has shape"),
        (lambda: i_gelu(X + 1, b=-(2**16), one=1), "one \\+ L holds"),
        (lambda: i_gelu(X + 127, b=-1, one=2**29), "iGELU result holds"),
        (lambda: i_hardswish(X, three=1, six=-1, one_over_six=1), "six holds -1"),
        (lambda: i_hardswish(X + 1, three=2**31 - 1, six=1, one_over_six=1), "three holds 2147483"),
        (lambda: i_hardswish(X, three=2**20, six=2**20, one_over_six=2**12), "one_over_six holds"),
        (lambda: i_hardswish(X + 9, three=2**20, six=2**20, one_over_six=999), "result holds"),
        (lambda: i_nonorm(X, [1, 2], 0, mul=1, d=1), "w has shape"),
        (lambda: i_nonorm(X + 2, 2**30, 0, mul=1, d=1), "x\\*w \\+ b holds 2147483648"),
        (lambda: i_nonorm(np.int8(3), 1, 0, mul=1, d=1), "at least 1 dimensions"),
    ],
)
def test_what_would_overflow_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
