"""From real factors to parameter entries: how exact they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed.toolchain.kernels import CoreEntries
from heed.zoo import fixed_point as fx
from sw_model.ops import Entry, requantise

FACTORS = st.floats(1e-8, 30000.0) | st.floats(-30000.0, -1e-8)


@given(FACTORS)
def test_a_multiplier_is_close_to_its_factor(factor):
    mul, shift = (int(part[0]) for part in fx.multiplier(factor))
    assert abs(mul) <= 2**15 and 0 <= shift <= 31
    error = abs(mul / 2**shift - factor)
    assert error <= abs(factor) * 2**-15 or (shift == 31 and error <= 2**-32)


def test_a_factor_out_of_reach_is_named():
    with pytest.raises(ValueError, match="factor 40000 is above"):
        fx.multiplier([1.0, 40000.0])


@given(st.integers(-(2**20), 2**20), st.floats(1e-5, 1e-2), st.floats(-100, 100))
def test_an_entry_computes_its_line(acc, factor, offset):
    got = requantise(np.array([acc]), Entry(**fx.entry(factor, offset)), "int16")[0]
    want = np.clip(acc * factor + offset, -32768, 32767)
    assert abs(got - want) <= 0.5 + abs(want) * 2**-14 + 1e-6


@given(
    st.integers(-32768, 32767),
    st.integers(-32768, 32767),
    st.floats(0.01, 20),
    st.floats(0.01, 20),
)
def test_a_residual_entry_computes_its_sum(a, b, factor, residual_factor):
    entry = Entry(**fx.residual_entry(factor, residual_factor))
    got = requantise(np.array([a]), entry, "int16", residual=np.array([b], np.int16))[0]
    want = np.clip(a * factor + b * residual_factor, -32768, 32767)
    # Each factor is off by at most 2^-15 of itself or of the other one.
    slack = (abs(a) + abs(b)) * max(factor, residual_factor) * 2**-13
    assert abs(got - want) <= 0.5 + slack + 1e-6


@given(st.floats(1e-9, 1e9))
def test_a_rounded_scale_covers_its_range(value):
    rounded = float(fx.ceil_scale(value))
    assert value * (1 - 1e-9) <= rounded <= value * (1 + 2**-11)
    assert float(fx.ceil_scale(rounded)) == rounded
    assert float(fx.ceil_scale(np.nextafter(rounded, np.inf))) == rounded


@pytest.mark.parametrize("per_channel", [True, False])
def test_weights_are_symmetric_and_within_half_a_step(per_channel):
    weight = np.random.default_rng(0).normal(0, [[1], [10], [0]], (3, 50))
    quantised, scale = fx.symmetric_weight(weight, per_channel)
    assert quantised.dtype == np.int8 and quantised.min() >= -127
    assert np.abs(quantised).max() >= 126
    back = quantised * (scale[:, None] if per_channel else scale)
    assert (np.abs(back - weight) <= np.max(scale) / 2 + 1e-12).all()


@given(st.integers(-(2**20), 2**20), st.floats(1e-5, 1e-2), st.floats(-1000, 1000))
def test_a_core_entry_computes_its_line_in_core_form(acc, factor, offset):
    entry = Entry(**fx.core_entry(factor, offset))
    form = CoreEntries.of(entry, 1, 0)
    assert form is not None
    got = requantise(np.array([acc]), entry, "int16")[0]
    want = np.clip(acc * factor + offset, -32768, 32767)
    assert abs(got - want) <= 0.5 + factor / 2 + (abs(want) + abs(offset)) * 2**-14 + 1e-6
    assert requantise(np.array([acc]), form.entry, "int16")[0] == got


@pytest.mark.parametrize(("offset", "result"), [(3.4, 3), (-200.0, -128), (200.0, 127)])
def test_a_core_entry_without_factor_is_its_offset(offset, result):
    entry = Entry(**fx.core_entry([0.0, 0.5], offset))
    assert CoreEntries.of(entry, 2, 0) is not None
    assert requantise(np.array([[1000, 0]]), entry, "int16")[0, 0] == result


def test_what_has_no_core_form_is_named():
    with pytest.raises(ValueError, match="factor -0.5 is negative"):
        fx.core_entry([0.25, -0.5])
    with pytest.raises(ValueError, match="an offset of 10 needs a bias of more than 32 bits"):
        fx.core_entry(1e-9, 10.0)
