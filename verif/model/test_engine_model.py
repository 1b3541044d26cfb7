"""The engine model equals the operators on whole matrices, byte for byte of the whole memory."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.presets import TINY
from hw.regmap import (
    DESCRIPTOR,
    STATUS_WORD,
    ElementType,
    ParamMode,
    Status,
)
from sw_model import ops
from sw_model.engine import EngineModel
from verif.lib.jobs import Image, attention_job, linear_job, store_rows

MODEL = EngineModel(TINY)
SIZES = st.integers(1, 40)
SEEDS = st.integers(0, 2**32 - 1)


def expected_linear(f, tensors):
    """Return Y, [heads, rows, columns], from the operators on whole matrices."""
    acc = ops.accumulate(tensors["x"], tensors["w"])
    y_type = ElementType(f["y_type"]).name.lower()
    if y_type == "int32":
        return ops.requantise(acc, None, "int32")
    heads, rows, columns = acc.shape
    clip = "int8" if f["use_table"] else y_type
    entry = ops.Entry(tensors["mul"], tensors["add"], tensors["shift"])
    if f["param_mode"] == ParamMode.COMMON:
        y = ops.requantise(acc, entry, clip)
    elif f["param_mode"] == ParamMode.HEAD:
        y = ops.requantise(acc, entry, clip, axis=-3)
    elif f["param_mode"] == ParamMode.COLUMN:  # an entry for each head and column: flatten both
        flat = ops.requantise(acc.transpose(1, 0, 2).reshape(rows, -1), entry, clip)
        y = flat.reshape(rows, heads, columns).transpose(1, 0, 2)
    else:
        y = ops.requantise(acc.reshape(heads * rows, columns), entry, clip, axis=-2)
        y = y.reshape(acc.shape)
    return ops.activation(y, tensors["table"]).view(y_type) if f["use_table"] else y


def merged(heads):
    """Return [rows, heads * columns] of [heads, rows, columns]."""
    return np.concatenate(list(heads), axis=-1)


def expected_attention(f, tensors):
    """Return (Y, logits), [heads, rows, ...], of attention over all heads and rows at once."""
    entry = ops.Entry(tensors["mul"], tensors["add"], tensors["shift"])
    y, logits = ops.attention(
        merged(tensors["x"]),
        merged(tensors["w"]),
        tensors["r"].reshape(-1, f["columns"]),
        entry,
        heads=f["heads"],
        j=tensors["j"],
        g=tensors["gain"],
        kv_len=f["kv_length"],
        causal=f["mask_mode"] == 1,
        offset=f["mask_offset"],
    )
    return ops.split_heads(y, f["heads"]), logits


def scratch_after(image, f, logits):
    """Put into an image what the scratch area holds at the end; return the rows that were used.

    Heads that share it take turns on across heads.
    """
    base, stride, head_stride = (f[f"s_{n}"] for n in ("base", "row_stride", "head_stride"))
    seen = keys_seen(f)
    turns, used = itertools.count(), 0
    for head in range(f["heads"]):
        if head_stride:
            turns = itertools.count()
        for q in range(f["rows"]):
            block, within = divmod(q, f["block_rows"])
            if within == 0:
                turn = next(turns) % f["blocks"]
            slot = turn * f["block_rows"] + within
            of_block = slice(block * f["block_rows"], (block + 1) * f["block_rows"])
            row = logits[head, q, : max([1, *seen[of_block]])]
            image.put(base + head * head_stride + slot * stride, row.tobytes())
            used = max(used, slot + 1)
    return used


def keys_seen(f):
    """Return how many keys each query sees."""
    mask = ops.attention_mask(
        f["rows"],
        f["columns"],
        kv_len=f["kv_length"],
        causal=f["mask_mode"] == 1,
        offset=f["mask_offset"],
    )
    return [int(row.sum()) for row in mask]


def run_and_compare(image, job, **operands):
    """Run a job; the whole memory must be what it was, plus `operands` and the status word."""
    expected = Image(image.config, np.random.default_rng(0))
    expected.bytes[:] = image.bytes
    for name, values in operands.items():
        if name == "logits":
            scratch_after(expected, job.fields, values)
        else:
            store_rows(expected, job.fields, name, values)
    expected.put(job.fields["status"], STATUS_WORD.pack(code=Status.DONE))
    (result,) = MODEL.run(image.bytes, job.address)
    assert result.status == Status.DONE
    assert result.address == job.address
    assert result.event_mask == job.fields["event_mask"]
    assert result.status_address == job.fields["status"]
    assert image.bytes == expected.bytes
    return result


@given(
    SEEDS,
    st.integers(1, 4),
    SIZES,
    SIZES,
    SIZES,
    st.sampled_from([ElementType.INT8, ElementType.UINT8]),
    st.sampled_from(ElementType),
    st.sampled_from(ParamMode),
    st.booleans(),
)
def test_linear(seed, heads, rows, columns, inner, x_type, y_type, param_mode, use_table):
    image = Image(TINY, np.random.default_rng(seed))
    job = linear_job(
        image,
        heads=heads,
        rows=rows,
        columns=columns,
        inner=inner,
        x_type=x_type,
        y_type=y_type,
        param_mode=param_mode,
        use_table=use_table and y_type in (ElementType.INT8, ElementType.UINT8),
    )
    result = run_and_compare(image, job, y=expected_linear(job.fields, job.tensors))
    assert result.written == {"y": (heads, rows, columns)}


@given(
    SEEDS,
    st.integers(1, 4),
    SIZES,
    SIZES,
    SIZES,
    st.floats(0, 1),
    st.booleans(),
    st.integers(-45, 45),
    st.integers(1, 16),
    st.integers(1, 2),
    st.booleans(),
)
def test_attention(
    seed, heads, rows, columns, inner, seen, causal, offset, block_rows, blocks, shared
):
    image = Image(TINY, np.random.default_rng(seed))
    job = attention_job(
        image,
        heads=heads,
        rows=rows,
        columns=columns,
        inner=inner,
        kv_length=round(seen * columns),
        causal=causal,
        mask_offset=offset,
        block_rows=block_rows,
        blocks=blocks,
    )
    if shared:
        job.store(image, s_head_stride=0)
    y, logits = expected_attention(job.fields, job.tensors)
    used = scratch_after(Image(TINY, np.random.default_rng(0)), job.fields, logits)
    result = run_and_compare(image, job, logits=logits, y=y)
    widest = max([1, *keys_seen(job.fields)])
    assert result.written == {"y": (heads, rows, inner), "s": (heads, used, widest)}


def test_results_vary():
    """The random entries leave results that tell right from wrong."""
    image = Image(TINY, np.random.default_rng(0))
    job = linear_job(image, rows=40, columns=40, inner=40, param_mode=ParamMode.COLUMN)
    y = expected_linear(job.fields, job.tensors)
    assert len(np.unique(y)) > 100
    job = attention_job(image, heads=4, rows=40, columns=40, inner=40, block_rows=16)
    y, logits = expected_attention(job.fields, job.tensors)
    assert len(np.unique(y)) > 50 and len(np.unique(logits)) > 50


@pytest.mark.parametrize("causal", [False, True])
def test_no_key_counts(causal):
    image = Image(TINY, np.random.default_rng(1))
    job = attention_job(image, rows=5, columns=7, inner=9, kv_length=0, causal=causal)
    _, logits = expected_attention(job.fields, job.tensors)
    run_and_compare(image, job, logits=logits, y=np.zeros((1, 5, 9), np.int8))


def test_what_lies_beyond_the_last_key_never_matters():
    rng = np.random.default_rng(2)
    image = Image(TINY, rng)
    job = attention_job(image, heads=2, rows=9, columns=20, inner=9, kv_length=11, block_rows=4)
    y, logits = expected_attention(job.fields, job.tensors)
    job.tensors["r"][:, :, 11:] = rng.integers(-128, 128, (2, 9, 9))
    store_rows(image, job.fields, "r", job.tensors["r"])
    run_and_compare(image, job, logits=logits, y=y)


def test_overlapping_windows_are_a_convolution():
    """A stride shorter than the row: 1-D convolution of 8 channels with a window of 3."""
    rng = np.random.default_rng(3)
    image = Image(TINY, rng)
    job = linear_job(image, rows=10, columns=5, inner=24, y_type=ElementType.INT32)
    signal = rng.integers(-128, 128, (12, 8)).astype(np.int8)
    x_base = image.place(signal.size)
    image.put(x_base, signal.tobytes())
    job.store(image, x_base=x_base, x_row_stride=8)
    kernels = job.tensors["w"][0].reshape(5, 3, 8).astype(np.int64)
    windows = np.stack([signal[n : n + 3] for n in range(10)]).astype(np.int64)
    y = np.einsum("nti,cti->nc", windows, kernels).astype(np.int32)
    run_and_compare(image, job, y=y[None])


def test_no_status_word_is_asked_for():
    image = Image(TINY, np.random.default_rng(4))
    job = linear_job(image, rows=3, columns=4, inner=5)
    where = job.fields["status"]
    before = image.get(where, 8)
    job.store(image, status=0)
    (result,) = MODEL.run(image.bytes, job.address)
    assert (result.status, result.status_address) == (Status.DONE, 0)
    assert image.get(where, 8) == before


@given(st.binary(min_size=128, max_size=128))
def test_descriptors_round_trip(raw):
    words = np.frombuffer(raw, "<u4").copy()
    for n in range(DESCRIPTOR.words):
        words[n] &= ~np.uint32(DESCRIPTOR.reserved_mask(n))
    raw = words.tobytes()
    assert DESCRIPTOR.pack(**DESCRIPTOR.unpack(raw)) == raw
