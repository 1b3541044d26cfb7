"""What holds for every row of the integer softmax, for rows of up to 4096 keys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model import ops

SEEDS = st.integers(0, 2**32 - 1)
STEPS = st.integers(1, 5)
GAINS = st.integers(0, 1)
MOST_KEYS = 4096


def attention(logits, v, j, g, mask=np.True_):
    """Return the output for rows of logits and V [keys, columns]."""
    e = ops.exponential(logits, mask, j).astype(np.int64)
    return ops.normalise(e @ v.astype(np.int64), e.sum(axis=1, keepdims=True), g)


def doubled(v, g):
    return np.clip(v.astype(np.int64) << g, -128, 127)


@pytest.mark.parametrize("g", [0, 1])
@pytest.mark.parametrize("value", [-128, -127, -64, -1, 0, 1, 63, 127])
def test_every_possible_mass_is_one(value, g):
    """Whatever D a row of up to 4096 keys has: a V that is the same everywhere comes out."""
    total = np.arange(1, 255 * MOST_KEYS + 1, dtype=np.int64)
    assert (ops.normalise(value * total, total, g) == doubled(np.array(value), g)).all()


def test_a_coarser_reciprocal_would_lose_mass(monkeypatch):
    """The test above can fail: seven bits are too few."""
    total = np.arange(1, 4096, dtype=np.int64)
    monkeypatch.setattr("sw_model.ops.softmax.RECIPROCAL_BITS", 7)
    assert not (ops.normalise(127 * total, total, 0) == 127).all()


@given(SEEDS, STEPS, GAINS, st.integers(1, MOST_KEYS), st.integers(0, 4))
def test_equal_values_come_out_as_they_are(seed, j, g, keys, shape):
    """Any logits, flat or steep, any mask that leaves a key."""
    rng = np.random.default_rng(seed)
    logits = np.clip(rng.normal(0, 3.0**shape, (3, keys)), -128, 127).astype(np.int8)
    mask = rng.random((3, keys)) < 0.7
    mask[:, rng.integers(keys)] = True
    v = np.repeat(rng.integers(-128, 128, (1, 5)), keys, axis=0)
    got = attention(logits, v, j, g, mask)
    np.testing.assert_array_equal(got, np.repeat(doubled(v[:1], g), 3, axis=0))


@pytest.mark.parametrize("keys", [1, 2, 16, 64, 197, 255, 256, 257, 512, 1024, 4095, 4096])
def test_uniform_rows_give_the_mean(keys):
    rng = np.random.default_rng(keys)
    v = rng.integers(-128, 128, (keys, 40))
    got = attention(np.full((1, keys), -3, np.int8), v, 3, 0)
    assert np.abs(got - v.mean(axis=0)).max() <= 0.5 + 128 / 2048


@given(SEEDS, STEPS, GAINS, st.integers(1, MOST_KEYS))
def test_one_hot_rows_give_one_value(seed, j, g, keys):
    """Nine octaves above all others, a key is alone; with j = 5 int8 holds eight only."""
    rng = np.random.default_rng(seed)
    if j == 5:
        j, g = 4, 0
    logits = rng.integers(-128, 128 - (9 << j) if j < 4 else -16, (2, keys)).astype(np.int8)
    if j == 4:
        logits = np.minimum(logits, 127 - (9 << 4)).astype(np.int8)
    hot = int(rng.integers(keys))
    logits[:, hot] = 127
    v = rng.integers(-128, 128, (keys, 7))
    np.testing.assert_array_equal(attention(logits, v, j, g)[0], doubled(v[hot], g))


def tensors(rng, rows, keys, heads=2, size=9):
    """Return q, k, vt of attention over all heads."""
    width = heads * size
    return (
        rng.integers(-128, 128, shape).astype(np.int8)
        for shape in ((rows, width), (keys, width), (width, keys))
    )


def entry(add=0):
    """Logits of half the range of int8; `add` moves them by so many steps."""
    return ops.Entry(np.array([60, -41]), (add << 16) + (1 << 15), np.array([16]))


@given(SEEDS, st.integers(1, 30), st.integers(-20, 20), st.booleans())
def test_a_constant_on_all_logits_changes_nothing(seed, keys, shift, causal):
    q, k, vt = tensors(np.random.default_rng(seed), 12, keys)
    q //= 8  # so that no logit clips
    options = {"heads": 2, "j": np.array([3, 4]), "g": np.array([0, 1]), "causal": causal}
    want, logits = ops.attention(q, k, vt, entry(), **options)
    got, moved = ops.attention(q, k, vt, entry(shift), **options)
    assert (moved.astype(int) - logits == shift).all() and np.abs(moved).max() < 127
    np.testing.assert_array_equal(got, want)


@given(SEEDS, st.integers(2, 40), st.data())
def test_keys_that_nobody_sees_never_matter(seed, keys, data):
    rng = np.random.default_rng(seed)
    q, k, vt = tensors(rng, 10, keys)
    kv_len = data.draw(st.integers(0, keys - 1))
    offset = data.draw(st.integers(-12, keys))
    options = {"heads": 2, "j": np.array([2, 5]), "g": np.array([1, 0])}
    options |= {"kv_len": kv_len, "causal": data.draw(st.booleans()), "offset": offset}
    want, _ = ops.attention(q, k, vt, entry(), **options)
    seen = min(kv_len, max(0, 10 + offset)) if options["causal"] else kv_len
    k[seen:] = rng.integers(-128, 128, k[seen:].shape)
    vt[:, seen:] = rng.integers(-128, 128, vt[:, seen:].shape)
    got, _ = ops.attention(q, k, vt, entry(), **options)
    np.testing.assert_array_equal(got, want)


def test_the_last_key_that_somebody_sees_matters():
    """The test above can fail."""
    q, k, vt = tensors(np.random.default_rng(1), 10, 20)
    options = {"heads": 2, "j": 2, "g": 0, "kv_len": 11}
    want, _ = ops.attention(q, k, vt, entry(), **options)
    vt[:, 10] ^= -128
    got, _ = ops.attention(q, k, vt, entry(), **options)
    assert (got != want).any()


@given(SEEDS, st.integers(1, 60))
def test_the_order_of_keys_never_matters(seed, keys):
    rng = np.random.default_rng(seed)
    q, k, vt = tensors(rng, 10, keys)
    order = rng.permutation(keys)
    options = {"heads": 2, "j": np.array([2, 4]), "g": np.array([1, 0])}
    want, _ = ops.attention(q, k, vt, entry(), **options)
    got, _ = ops.attention(q, k[order], vt[:, order], entry(), **options)
    np.testing.assert_array_equal(got, want)


@given(SEEDS, st.integers(2, 20), st.integers(1, 40), st.data())
def test_splitting_rows_or_heads_changes_nothing(seed, rows, keys, data):
    """Jobs that do a part each: rows from `first_row` on, or one head."""
    q, k, vt = tensors(np.random.default_rng(seed), rows, keys)
    j, g = np.array([3, 5]), np.array([0, 1])
    options = {"causal": True, "offset": data.draw(st.integers(-5, 5))}
    want, _ = ops.attention(q, k, vt, entry(), heads=2, j=j, g=g, **options)
    cut = data.draw(st.integers(1, rows - 1))
    parts = [
        ops.attention(q[part], k, vt, entry(), heads=2, j=j, g=g, first_row=first, **options)[0]
        for part, first in ((slice(cut), 0), (slice(cut, None), cut))
    ]
    np.testing.assert_array_equal(np.concatenate(parts), want)
    for head in range(2):
        part = slice(9 * head, 9 * head + 9)
        one = ops.Entry(entry().mul[[head]], entry().add, entry().shift)
        got, _ = ops.attention(
            q[:, part], k[:, part], vt[part], one, heads=1, j=j[head], g=g[head], **options
        )
        np.testing.assert_array_equal(got, want[:, part])
