"""Mean pooling: an exact sum, rounded once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, mean_pool

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 40), st.integers(1, 5))
def test_the_mean_is_the_rounded_sum(seed, tokens, channels):
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (tokens, channels)).astype(np.int8)
    mul = round(2**20 / tokens) if tokens > 16 else 1
    shift = 20 if tokens > 16 else 3
    got = mean_pool(x, Entry(mul, 1 << (shift - 1), shift))
    assert got.dtype == np.int8 and got.shape == (1, channels)
    for c in range(channels):
        total = sum(int(value) for value in x[:, c])
        want = (total * mul + (1 << (shift - 1))) >> shift
        assert got[0, c] == max(-128, min(127, want))
