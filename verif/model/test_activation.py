"""Activation tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import activation

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_activation_looks_up_each_value(seed):
    rng = np.random.default_rng(seed)
    table = rng.integers(-128, 128, 256).astype(np.int8)
    x = rng.integers(-128, 128, (3, 4)).astype(np.int8)
    want = [[table[int(value) + 128] for value in row] for row in x]
    np.testing.assert_array_equal(activation(x, table), want)


@pytest.mark.parametrize(
    ("x", "table", "message"),
    [
        ([0], np.zeros(255, int), r"table has shape \(255,\)"),
        ([128], np.zeros(256, int), "input holds 128"),
        ([0], np.full(256, 200), "table holds 200"),
    ],
)
def test_bad_activations_are_named(x, table, message):
    with pytest.raises(ValueError, match=message):
        activation(np.array(x), table)
