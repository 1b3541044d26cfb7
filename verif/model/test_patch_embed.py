"""Patch embedding against its formula, pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, patch_embed, patches

SEEDS = st.integers(0, 2**32 - 1)


def test_patches_are_in_raster_order():
    image = np.arange(24).reshape(4, 6)
    got = patches(image, 2)
    assert got.tolist() == [
        [0, 1, 6, 7],
        [2, 3, 8, 9],
        [4, 5, 10, 11],
        [12, 13, 18, 19],
        [14, 15, 20, 21],
        [16, 17, 22, 23],
    ]


@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 5))
def test_patch_embedding_is_the_formula(seed, patch, high, wide, channels):
    rng = np.random.default_rng(seed)
    image = rng.integers(-128, 128, (high * patch, wide * patch)).astype(np.int8)
    weight = rng.integers(-128, 128, (channels, patch * patch)).astype(np.int8)
    position = rng.integers(-32768, 32768, (high * wide, channels)).astype(np.int16)
    p = Entry(
        rng.integers(-(2**16), 2**16, channels),
        rng.integers(-(2**40), 2**40, channels),
        rng.integers(0, 32, channels),
        rng.integers(-(2**16), 2**16, channels),
        rng.integers(0, 12, channels),
    )
    got = patch_embed(image, weight, position, p, patch)
    assert got.dtype == np.int16
    for token in range(high * wide):
        top, left = token // wide * patch, token % wide * patch
        cut = image[top : top + patch, left : left + patch].reshape(-1)
        for c in range(channels):
            acc = sum(int(x) * int(w) for x, w in zip(cut, weight[c], strict=True))
            residual = (int(position[token, c]) * int(p.rmul[c])) << int(p.rsh[c])
            total = (acc * int(p.mul[c]) + residual + int(p.add[c])) >> int(p.shift[c])
            assert got[token, c] == max(-32768, min(32767, total))


@pytest.mark.parametrize(
    ("image", "weight", "position", "message"),
    [
        ((4, 5), (3, 4), (4, 3), "4 x 5 image does not split into patches of 2"),
        ((4, 4), (3, 5), (4, 3), r"weight has shape \(3, 5\); \(E, 4\) is needed"),
        ((4, 4), (3, 4), (3, 3), r"position has shape \(3, 3\); \(4, 3\) is needed"),
    ],
)
def test_bad_patch_embeddings_are_named(image, weight, position, message):
    arrays = (np.zeros(shape, np.int8) for shape in (image, weight, position))
    with pytest.raises(ValueError, match=message):
        patch_embed(*arrays, Entry(1, 0, 0, 1, 0), 2)
