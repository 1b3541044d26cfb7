"""The dialect's softmaxes against their definitions in Python integers."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sw_model.dialect import i_softmax, ita_max, ita_partial_max

INT8 = st.integers(-128, 127)
ROWS = st.lists(INT8, min_size=1, max_size=70)
USUAL = {"coeff_a": 1, "coeff_b": 173, "coeff_c": 15599, "log2": 127}
"""For logits in steps of about 1/183."""


def softmax(row, a, b, c, log2, n):
    e = []
    for value in row:
        distance = max(row) - value
        z = min(31, distance // log2)
        p = value - max(row) + z * log2
        e.append((a * (p + b) ** 2 + c) // 2**z)
    return [value * (n - 1) // sum(e) for value in e]


def octaves(distance):
    return (distance + 16) // 32


def partial(row, n, group):
    maximum, total = -128, 0
    for start in range(0, len(row), group):
        part = row[start : start + group]
        if max(part) > maximum:
            total = total // 2 ** octaves(max(part) - maximum)
            maximum = max(part)
        total += sum(256 // 2 ** octaves(maximum - value) for value in part)
    inverse = (n // 2 - 1) * 256 // total
    return [inverse // 2 ** octaves(maximum - value) for value in row]


@given(ROWS, st.integers(2, 256))
def test_i_softmax_is_the_definition(row, n):
    got = i_softmax(np.array([row], np.int8), **USUAL, n_levels=n)
    assert got.dtype == np.uint8
    assert got[0].tolist() == softmax(row, *USUAL.values(), n)


@given(
    st.lists(st.integers(-20000, 20000), min_size=1, max_size=20),
    st.integers(0, 3),
    st.integers(-300, 300),
    st.integers(1, 2**20),
    st.integers(1, 5000),
)
def test_i_softmax_with_any_coefficients(row, a, b, c, log2):
    values = dict(zip(("coeff_a", "coeff_b", "coeff_c", "log2"), (a, b, c, log2), strict=True))
    worst = b + min(0, -log2, 31 * log2 - (max(row) - min(row)))
    assume(a * max(worst**2, b**2) + c < 2**32)
    got = i_softmax(np.array([row]), **values)
    assert got[0].tolist() == softmax(row, a, b, c, log2, 256)


def test_i_softmax_by_hand():
    # e: 4 + 1 = 5 for the maximum, (-1 + 2)^2 + 1 = 2, and (4 + 1) >> 1 = 2 an octave below.
    got = i_softmax(np.array([[3, 2, 1]]), coeff_a=1, coeff_b=2, coeff_c=1, log2=2)
    assert got.tolist() == [[5 * 255 // 9, 2 * 255 // 9, 2 * 255 // 9]]


def test_i_softmax_ends_after_31_octaves():
    """Beyond, the polynomial grows again, but only what reaches 2^31 is left by the shift."""
    row = [0, -60031, -32]
    got = i_softmax(np.array([row]), coeff_a=1, coeff_b=0, coeff_c=1, log2=1)
    assert got.tolist() == [softmax(row, 1, 0, 1, 1, 256)] == [[127, 127, 0]]


@given(ROWS)
def test_a_row_keeps_its_mass(row):
    """Each element loses less than one step."""
    got = i_softmax(np.array([row], np.int8), **USUAL)
    assert 255 - len(row) < got.sum() <= 255


@given(ROWS, st.integers(-128, 127))
def test_a_constant_changes_nothing(row, constant):
    row = np.array([row])
    assert np.array_equal(i_softmax(row, **USUAL), i_softmax(row + constant, **USUAL))
    half = row // 2
    moved = np.clip(half + constant // 2, -128, 127)
    assume(np.array_equal(moved - half, np.full_like(half, constant // 2)))
    assert np.array_equal(ita_max(half), ita_max(moved))
    assert np.array_equal(ita_partial_max(half), ita_partial_max(moved))


@given(ROWS, st.integers(2, 256))
def test_ita_max_is_the_definition(row, n):
    got = ita_max(np.array([row], np.int8), n_levels=n)
    total = sum(256 // 2 ** octaves(max(row) - value) for value in row)
    inverse = (n - 1) * 256 // total
    assert got.dtype == np.uint8
    assert got[0].tolist() == [inverse // 2 ** octaves(max(row) - value) for value in row]


def test_ita_max_by_hand():
    # Octaves 0, 0, 1, 8: 256 + 256 + 128 + 1 = 641, 255 * 256 // 641 = 101.
    assert ita_max(np.array([[127, 112, 111, -128]])).tolist() == [[101, 101, 50, 0]]


@given(ROWS, st.integers(1, 128), st.integers(1, 70))
def test_ita_partial_max_is_the_definition(row, half, group):
    got = ita_partial_max(np.array([row], np.int8), n_levels=2 * half, group=group)
    assert got.dtype == np.int8
    assert got[0].tolist() == partial(row, 2 * half, group)


def test_ita_partial_max_by_hand():
    # Two columns of 0 give 512; the maximum rises by 32, an octave: 256; and 256 more.
    row = np.array([[0, 0, 32]])
    assert ita_partial_max(row, group=2).tolist() == [[31, 31, 63]]
    # At once, the maximum is known from the start: the same here.
    assert ita_partial_max(row, group=16).tolist() == [[31, 31, 63]]


def test_ita_partial_max_depends_on_the_order():
    """Twelve small steps upwards shift nothing out; the maximum at the start does."""
    row = np.arange(-96, 96, 12)[None, :]
    up, down = ita_partial_max(row, group=1), ita_partial_max(row[:, ::-1], group=1)
    assert not np.array_equal(up, down[:, ::-1])
    assert np.array_equal(ita_partial_max(row), ita_partial_max(row[:, ::-1])[:, ::-1])


@given(st.lists(ROWS, min_size=2, max_size=2).filter(lambda rows: len(rows[0]) == len(rows[1])))
def test_rows_do_not_mix(rows):
    both = np.array([rows], np.int8)
    for softmax_of in (lambda x: i_softmax(x, **USUAL), ita_max, ita_partial_max):
        whole = softmax_of(both)
        for index, row in enumerate(rows):
            assert np.array_equal(whole[0, index], softmax_of(np.array(row, np.int8)))


def test_unsigned_logits():
    x = np.array([[0, 100, 255]], np.uint8)
    signed = (x.astype(int) - 128).astype(np.int8)
    assert np.array_equal(i_softmax(x, **USUAL), i_softmax(signed, **USUAL))
    assert np.array_equal(ita_max(x), ita_max(signed))
    assert np.array_equal(ita_partial_max(x), ita_partial_max(signed))


X = np.array([[0, -5, 3]], np.int8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: i_softmax(X, **USUAL | {"log2": 0}), "log2 holds 0; allowed is 1"),
        (lambda: i_softmax(X, **USUAL, n_levels=257), "n_levels holds 257; allowed is 2 to 256"),
        (lambda: i_softmax(X, **USUAL | {"coeff_c": -(173**2)}), r"A\*B\^2 \+ C is 0"),
        (lambda: i_softmax(X, **USUAL | {"coeff_b": 4, "coeff_c": -15}), "holds -14; allowed is 0"),
        (lambda: i_softmax(X, **USUAL | {"coeff_b": 65536}), "holds 4294982895"),
        (lambda: i_softmax(X, **USUAL | {"coeff_b": 60000}), "the sum of a row's e holds"),
        (lambda: i_softmax(X, **USUAL | {"coeff_a": 2**31 - 1, "coeff_b": 2**16}), "overflows"),
        (lambda: i_softmax(X[:, :0], **USUAL), "no dimension may be 0"),
        (lambda: i_softmax(X.astype(float), **USUAL), "must hold integers"),
        (lambda: ita_max(np.array([[128]])), "ITAMax input holds 128"),
        (lambda: ita_max(X, n_levels=1), "n_levels holds 1"),
        (lambda: ita_max(np.zeros((1, 2**24), np.int8)), "16777216 columns"),
        (lambda: ita_partial_max(X, n_levels=255), "n_levels is 255; even"),
        (lambda: ita_partial_max(X, group=0), "group holds 0"),
    ],
)
def test_what_would_overflow_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
