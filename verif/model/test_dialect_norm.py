"""The dialect's normalisations, quotients and means against Python integers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sw_model.dialect import i_layernorm, i_rmsnorm, integer_div, integer_mean

INT8 = st.integers(-128, 127)
INT32 = st.integers(-(2**31), 2**31 - 1)
WEIGHT = st.integers(-(2**24), 2**24)
COLUMNS = st.lists(st.tuples(INT8, WEIGHT, WEIGHT), min_size=1, max_size=40)
SHIFT = st.integers(0, 31)


def cut(a, b):
    """Division as C does it."""
    return math.trunc(Fraction(a, b))


def layernorm(x, w, b, shift):
    t = [value - cut(sum(x), len(x)) for value in x]
    std = math.isqrt(sum(value**2 for value in t) // len(x) + 1)
    return [(cut(v * f, std) + a) // 2**shift for v, f, a in zip(t, w, b, strict=True)]


@given(COLUMNS, SHIFT)
def test_i_layernorm_is_the_definition(columns, shift):
    x, w, b = map(list, zip(*columns, strict=True))
    got = i_layernorm(np.array([x], np.int8), np.array(w), np.array(b), d=1 << shift)
    assert got.dtype == np.int32
    assert got[0].tolist() == layernorm(x, w, b, shift)


@given(st.lists(st.integers(-(2**27), 2**27), min_size=1, max_size=40), WEIGHT)
def test_i_layernorm_of_wide_rows(x, weight):
    got = i_layernorm(np.array([x]), weight, 5, d=2)
    assert got[0].tolist() == layernorm(x, [weight] * len(x), [5] * len(x), 1)


def test_i_layernorm_by_hand():
    # Mean of -4, 1, 2: -1 // 3 is 0. 21 // 3 + 1 = 8, whose root is 2.
    got = i_layernorm(np.array([[-4, 1, 2]]), np.array([3, 3, 3]), np.array([0, 0, 5]), d=1)
    assert got.tolist() == [[-6, 1, 3 + 5]]
    # -3 // 2 is cut off to -1; the shift behind it floors.
    got = i_layernorm(np.array([[-4, 1, 2]]), 1, np.array([0, -3, 0]), d=2, dtype="int8")
    assert got.dtype == np.int8 and got.tolist() == [[-1, -2, 0]]


@given(st.integers(-128, 127), st.integers(1, 20), WEIGHT)
def test_a_constant_row_gives_the_bias(value, columns, bias):
    got = i_layernorm(np.full((1, columns), value, np.int8), 2**24, bias, d=1)
    assert (got == bias).all()


@given(COLUMNS, SHIFT, st.sampled_from([2, 255, 256, 2**20]), st.booleans())
def test_i_rmsnorm_is_the_definition(columns, shift, n, signed):
    x, w, _ = map(list, zip(*columns, strict=True))
    got = i_rmsnorm(np.array([x], np.int8), np.array(w), d=1 << shift, n_levels=n, signed=signed)
    rms = math.isqrt(sum(value**2 for value in x) // len(x) + 1)
    low, high = (-(n // 2), n // 2 - 1) if signed else (0, n - 1)
    scaled = [cut(v * f, rms) // 2**shift for v, f in zip(x, w, strict=True)]
    assert got[0].tolist() == [max(low, min(high, value)) for value in scaled]


def test_i_rmsnorm_by_hand():
    # 26 // 2 + 1 = 14, whose root is 3; 5 * -7 // 3 is cut off to -11, and -11 >> 1 = -6.
    assert i_rmsnorm(np.array([[5, 1]]), np.array([-7, 600]), d=2).tolist() == [[-6, 100]]


@given(st.lists(INT32, min_size=1, max_size=20), INT32, INT32, INT32, st.integers(-99, 99))
def test_integer_div_is_the_definition(x, y, eps, eta, delta):
    divisor = eta * y + eps
    assume(divisor)
    assume(max(abs(delta * eta * value) for value in x) < min(2**63, 2**31 * abs(divisor)))
    got = integer_div(np.array(x), np.array([y]), delta=delta, eps=eps, eta=eta)
    assert got.tolist() == [cut(delta * eta * value, divisor) for value in x]


def test_integer_div_by_hand():
    x, y = np.array([[7, -7], [9, 2**31 - 1]]), np.array([[2], [-3]])
    got = integer_div(x, y, delta=1, eps=0, eta=1)
    assert got.tolist() == [[3, -3], [-3, -715827882]]
    got = integer_div(x[:1], y[:1], delta=10, eps=1, eta=4, dtype="int8")
    assert got.dtype == np.int8 and got.tolist() == [[31, -31]]


@given(st.lists(INT32, min_size=1, max_size=50))
def test_integer_mean_is_the_nearest_integer(x):
    got = int(integer_mean(np.array(x))[0])
    exact = Fraction(sum(x), len(x))
    assert abs(got - exact) <= Fraction(1, 2)
    if abs(got - exact) == Fraction(1, 2):
        assert abs(got) > abs(exact)


def test_integer_mean_by_hand():
    x = np.array([[1, 2], [-1, -2], [-2, -2], [127, 127]], np.int8)
    assert integer_mean(x, dtype="int8").tolist() == [[2], [-2], [-2], [127]]
    assert integer_mean(x, axis=0, keepdims=False).tolist() == [31, 31]


@given(st.lists(st.tuples(INT8, INT8), min_size=1))
def test_the_mean_along_another_dimension(pairs):
    x = np.array(pairs, np.int8)
    assert np.array_equal(integer_mean(x, axis=0), integer_mean(x.T).T)
    assert np.array_equal(integer_mean(-x.astype(int)), -integer_mean(x))


X = np.array([[100, -100, 3]], np.int8)
WIDE = np.array([[2**31 - 1, -(2**31), 0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: i_layernorm(X, 1, 0, d=6), "D is 6; powers of two"),
        (lambda: i_layernorm(X, [1, 2], 0, d=1), r"w has shape \(2,\); one or 3"),
        (lambda: i_layernorm(X, 1, [[0]], d=1), r"b has shape \(1, 1\)"),
        (lambda: i_layernorm(X, 2**31, 0, d=1), "w holds 2147483648"),
        (lambda: i_layernorm(X, 2**9, 0, d=1, dtype="int8"), "iLayerNorm result holds"),
        (lambda: i_layernorm(X, 1, 0, d=1, dtype="int16"), "dtype is 'int16'"),
        (lambda: i_layernorm(WIDE, 1, 0, d=1), "reaches 2147483648 in rows of 3"),
        (
            lambda: i_layernorm([[-(2**31), 2**31 - 1, 2**31 - 1]], 1, 0, d=1),
            "distance to the mean holds -2863311530",
        ),
        (lambda: i_rmsnorm(WIDE, 1, d=1), "reaches 2147483648 in rows of 3"),
        (lambda: i_rmsnorm(X[:, :0], 1, d=1), "no dimension may be 0"),
        (lambda: integer_div(X, X - X, delta=1, eps=0, eta=1), "no divisor may be 0"),
        (lambda: integer_div(X, [[1, 2]], delta=1, eps=0, eta=1), r"divisor has shape \(1, 2\)"),
        (lambda: integer_div(X, [[1]], delta=2**30, eps=0, eta=2**30), "overflows"),
        (lambda: integer_div(X, [[1]], delta=2**30, eps=0, eta=1), "quotient holds"),
        (lambda: integer_mean(X, dtype="uint8", axis=0), "mean holds -100"),
        (lambda: integer_mean(X[:0], axis=0), "a mean of 0 elements"),
        (lambda: integer_mean(X, axis=2), "axis holds 2; allowed is -2 to 1"),
    ],
)
def test_what_would_overflow_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
