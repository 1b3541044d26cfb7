"""Multi-head attention: masks, and what must not depend on how a job is cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import Entry, attention, attention_mask

SEEDS = st.integers(0, 2**32 - 1)
COUNTS = st.integers(1, 7)


def case(seed, heads, head_dim, rows, keys):
    """Return random operands and parameters whose logits use the int8 range."""
    rng = np.random.default_rng(seed)
    width = heads * head_dim
    q = rng.integers(-128, 128, (rows, width)).astype(np.int8)
    k = rng.integers(-128, 128, (keys, width)).astype(np.int8)
    vt = rng.integers(-128, 128, (width, keys)).astype(np.int8)
    shift = 14 + int(np.log2(head_dim) / 2)
    mul = rng.integers(40, 120, heads)
    entry = Entry(mul, rng.integers(-20, 20, heads) << shift, np.full(heads, shift))
    how = {"heads": heads, "j": rng.integers(1, 6, heads), "g": rng.integers(0, 2, heads)}
    return q, k, vt, entry, how


def draw_mask(data, rows, keys):
    return {
        "kv_len": data.draw(st.integers(0, keys)),
        "causal": data.draw(st.booleans()),
        "offset": data.draw(st.integers(-rows, keys)),
    }


def written_out(q, k, vt, entry, how, mask):
    """The whole of attention in Python integers, straight from the definition."""
    table = [255, 244, 234, 224, 214, 205, 197, 188, 180, 173, 165, 158, 152, 145, 139, 133]
    rows, width = q.shape
    keys, size = len(k), width // how["heads"]
    out = np.zeros((rows, width), int)
    for h in range(how["heads"]):
        j, g = int(how["j"][h]), int(how["g"][h])
        mul, add, shift = (int(getattr(entry, name)[h]) for name in ("mul", "add", "shift"))
        at = range(h * size, (h + 1) * size)
        for row in range(rows):
            seen = [
                c
                for c in range(keys)
                if c < mask["kv_len"] and (not mask["causal"] or c <= row + mask["offset"])
            ]
            logits = {}
            for c in seen:
                acc = sum(int(q[row, p]) * int(k[c, p]) for p in at)
                logits[c] = max(-128, min(127, (acc * mul + add) >> shift))
            top = max(logits.values(), default=0)
            e = {}
            for c, logit in logits.items():
                d = top - logit
                t = d << (4 - j) if j <= 4 else (d + 1) >> 1
                e[c] = (table[t & 15] + ((1 << (t >> 4)) >> 1)) >> (t >> 4)
            total = max(sum(e.values()), 1)
            nb = total.bit_length()
            r = min((1 << (11 + nb)) // total, 4095)
            s = 11 + nb - g
            for p in at:
                n = sum(e[c] * int(vt[p, c]) for c in seen)
                out[row, p] = max(-128, min(127, (n * r + ((1 << s) >> 1)) >> s))
    return out


@given(SEEDS, st.integers(1, 3), COUNTS, COUNTS, COUNTS, st.data())
def test_is_the_definition(seed, heads, head_dim, rows, keys, data):
    q, k, vt, entry, how = case(seed, heads, head_dim, rows, keys)
    mask = draw_mask(data, rows, keys)
    got, _ = attention(q, k, vt, entry, **how, **mask)
    assert got.dtype == np.int8
    np.testing.assert_array_equal(got, written_out(q, k, vt, entry, how, mask))


@given(SEEDS, st.integers(1, 3), COUNTS, st.integers(2, 7), COUNTS, st.data())
def test_splitting_rows_changes_nothing(seed, heads, head_dim, rows, keys, data):
    q, k, vt, entry, how = case(seed, heads, head_dim, rows, keys)
    mask = draw_mask(data, rows, keys)
    whole, logits = attention(q, k, vt, entry, **how, **mask)
    cut = data.draw(st.integers(1, rows - 1))
    first = attention(q[:cut], k, vt, entry, **how, **mask)
    second = attention(q[cut:], k, vt, entry, **how, **mask, first_row=cut)
    np.testing.assert_array_equal(np.concatenate([first[0], second[0]]), whole)
    np.testing.assert_array_equal(np.concatenate([first[1], second[1]], axis=1), logits)


@given(SEEDS, st.integers(2, 4), COUNTS, COUNTS, COUNTS, st.data())
def test_splitting_heads_changes_nothing(seed, heads, head_dim, rows, keys, data):
    q, k, vt, entry, how = case(seed, heads, head_dim, rows, keys)
    mask = draw_mask(data, rows, keys)
    whole, logits = attention(q, k, vt, entry, **how, **mask)
    for h in range(heads):
        at = slice(h * head_dim, (h + 1) * head_dim)
        own = Entry(*(getattr(entry, name)[h] for name in ("mul", "add", "shift")))
        one = {"heads": 1, "j": how["j"][h], "g": how["g"][h]}
        out, part = attention(q[:, at], k[:, at], vt[at], own, **one, **mask)
        np.testing.assert_array_equal(out, whole[:, at])
        np.testing.assert_array_equal(part[0], logits[h])


@given(SEEDS, st.integers(1, 3), COUNTS, COUNTS, COUNTS, st.data())
def test_masked_keys_never_matter(seed, heads, head_dim, rows, keys, data):
    q, k, vt, entry, how = case(seed, heads, head_dim, rows, keys)
    mask = draw_mask(data, rows, keys)
    whole, _ = attention(q, k, vt, entry, **how, **mask)
    seen = attention_mask(rows, keys, **mask).any(axis=0)
    rng = np.random.default_rng(seed + 1)
    other_k = np.where(seen[:, None], k, rng.integers(-128, 128, k.shape))
    other_vt = np.where(seen, vt, rng.integers(-128, 128, vt.shape))
    got, _ = attention(q, other_k, other_vt, entry, **how, **mask)
    np.testing.assert_array_equal(got, whole)


@given(SEEDS, COUNTS, COUNTS)
def test_fully_masked_rows_give_zeros(seed, rows, keys):
    q, k, vt, entry, how = case(seed, 2, 4, rows, keys)
    assert not attention(q, k, vt, entry, **how, kv_len=0)[0].any()
    got, _ = attention(q, k, vt, entry, **how, causal=True, offset=-1)
    assert not got[0].any()


def test_one_key_gives_its_value():
    """A single key has probability 1, so V passes through, up to the reciprocal's rounding."""
    q, k, vt, entry, how = case(3, 2, 4, 5, 6)
    how["g"] = np.array([0, 0])
    got, _ = attention(q, k, vt, entry, **how, kv_len=1)
    assert np.abs(got - np.broadcast_to(vt[:, 0].astype(int), got.shape)).max() <= 1
    assert np.abs(vt[:, 0]).max() > 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": np.zeros((6, 7), np.int8)}, "do not go together"),
        ({"vt": np.zeros((6, 8), np.int8)}, "do not go together"),
        ({"q": np.full((5, 8), 200)}, "q holds 200"),
        ({"heads": 3}, "8 columns do not split into 3 heads|2 values for 3 heads"),
        ({"j": [1, 2, 3]}, "j has 3 values for 2 heads"),
        ({"j": [1, 0]}, "j holds 0"),
        ({"g": [0, 2]}, "g holds 2"),
        ({"kv_len": 7}, "kv_len is 7; allowed is 0 to 6"),
        ({"offset": 40000}, "mask offset is 40000"),
        ({"entry": Entry([1, 2, 3], 0, 0)}, "3 entries for 2 channels"),
    ],
)
def test_bad_arguments_are_named(change, message):
    q, k, vt, entry, how = case(0, 2, 4, 5, 6)
    arguments = {"q": q, "k": k, "vt": vt, "entry": entry, **how, **change}
    with pytest.raises(ValueError, match=message):
        attention(**arguments)
