"""The attention mask against its predicate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.ops import attention_mask


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_the_mask_is_its_predicate(rows, columns, data):
    kv_len = data.draw(st.integers(0, columns))
    offset = data.draw(st.integers(-10, 10))
    first = data.draw(st.integers(0, 5))
    causal = data.draw(st.booleans())
    got = attention_mask(
        rows, columns, kv_len=kv_len, causal=causal, offset=offset, first_row=first
    )
    want = [
        [k < kv_len and (not causal or k <= first + q + offset) for k in range(columns)]
        for q in range(rows)
    ]
    assert got.tolist() == want


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"kv_len": 4}, "kv_len is 4; allowed is 0 to 3"),
        ({"kv_len": -1}, "kv_len is -1"),
        ({"offset": 32768}, "mask offset is 32768"),
        ({"offset": -32769}, "mask offset is -32769"),
    ],
)
def test_bad_masks_are_named(how, message):
    with pytest.raises(ValueError, match=message):
        attention_mask(2, 3, **how)
