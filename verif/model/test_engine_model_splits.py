"""Splitting a job over heads or rows changes nothing."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hw.presets import TINY
from hw.regmap import HEAD_PARAMETER, PARAMETER, Kind, ParamMode, Status
from sw_model.engine import EngineModel
from verif.lib.jobs import Image, attention_job, direct_job, linear_job, load_rows

MODEL = EngineModel(TINY)
SIZES = st.integers(1, 30)
DIRECT = st.sampled_from([Kind.LAYERNORM, Kind.ELEMENTWISE, Kind.COPY])
SEEDS = st.integers(0, 2**32 - 1)


def y_of(image, f):
    shape = (f["heads"], f["rows"], f["inner"] if f["kind"] == Kind.ATTENTION else f["columns"])
    return load_rows(image, f, "y", shape, np.int8)


def run_parts(image, job, parts):
    """Run the job, then its parts (changes to its fields) on a wiped Y; both Y must be equal."""
    whole = dict(job.fields)
    (result,) = MODEL.run(image.bytes, job.address)
    assert result.status == Status.DONE
    expected = y_of(image, whole)
    y_shape = expected.shape
    for head in range(y_shape[0]):
        for row in range(y_shape[1]):
            at = whole["y_base"] + head * whole["y_head_stride"] + row * whole["y_row_stride"]
            image.put(at, bytes(y_shape[2]))
    for part in parts:
        job.fields = dict(whole)
        job.store(image, **part)
        (result,) = MODEL.run(image.bytes, job.address)
        assert result.status == Status.DONE
    assert (y_of(image, whole) == expected).all()


def moved(f, names, stride, count):
    """Return changes that move operands `names` on by `count` rows or heads."""
    return {f"{name}_base": f[f"{name}_base"] + count * f[f"{name}_{stride}"] for name in names}


@given(SEEDS, st.integers(2, 4), SIZES, SIZES, SIZES, st.sampled_from(ParamMode))
def test_linear_over_heads(seed, heads, rows, columns, inner, mode):
    image = Image(TINY, np.random.default_rng(seed))
    job = linear_job(image, heads=heads, rows=rows, columns=columns, inner=inner, param_mode=mode)
    entries = {ParamMode.COMMON: 0, ParamMode.COLUMN: columns, ParamMode.ROW: rows}.get(mode, 1)
    f = job.fields
    parts = [
        {
            "heads": 1,
            "param_base": f["param_base"] + PARAMETER.bytes * entries * head,
            **moved(f, "xwy", "head_stride", head),
        }
        for head in range(heads)
    ]
    run_parts(image, job, parts)


@given(SEEDS, st.integers(2, 30), SIZES, SIZES, st.sampled_from(ParamMode), st.data())
def test_linear_over_rows(seed, rows, columns, inner, mode, data):
    image = Image(TINY, np.random.default_rng(seed))
    job = linear_job(image, rows=rows, columns=columns, inner=inner, param_mode=mode)
    cut = data.draw(st.integers(1, rows - 1))
    f = job.fields
    entries = cut if mode == ParamMode.ROW else 0
    second = {
        "rows": rows - cut,
        "param_base": f["param_base"] + PARAMETER.bytes * entries,
        **moved(f, "xy", "row_stride", cut),
    }
    run_parts(image, job, [{"rows": cut}, second])


@given(SEEDS, DIRECT, st.integers(2, 4), st.integers(2, 20), SIZES, st.sampled_from(ParamMode))
def test_direct_jobs_over_heads_and_rows(seed, kind, heads, rows, columns, mode):
    """Each head's first row, then its others; with a residual where the kind may have one."""
    image = Image(TINY, np.random.default_rng(seed))
    joins = {"join": "residual"} if kind == Kind.ELEMENTWISE else {}
    options = {} if kind == Kind.COPY else {"param_mode": mode, **joins}
    job = direct_job(image, kind, heads=heads, rows=rows, columns=columns, **options)
    f = job.fields
    names = "xry" if joins else "xy"
    parts = []
    for head in range(heads):
        of_head = moved(f, names, "head_stride", head)
        for first, count in ((0, 1), (1, rows - 1)):
            entry = {
                ParamMode.COMMON: 0,
                ParamMode.COLUMN: head * columns,
                ParamMode.ROW: head * rows + first,
                ParamMode.HEAD: head,
            }[mode]
            bases = {n: of_head[n] + first * f[f"{n[0]}_row_stride"] for n in of_head}
            where = f.get("param_base", 0) + PARAMETER.bytes * entry
            parts.append({"heads": 1, "rows": count, "param_base": where, **bases})
    run_parts(image, job, parts)


@given(SEEDS, st.integers(2, 4), SIZES, SIZES, SIZES, st.booleans(), st.integers(1, 16))
def test_attention_over_heads(seed, heads, rows, columns, inner, causal, block_rows):
    image = Image(TINY, np.random.default_rng(seed))
    job = attention_job(
        image,
        heads=heads,
        rows=rows,
        columns=columns,
        inner=inner,
        causal=causal,
        block_rows=block_rows,
    )
    f = job.fields
    parts = [
        {
            "heads": 1,
            "param_base": f["param_base"] + HEAD_PARAMETER.bytes * head,
            **moved(f, "xwry", "head_stride", head),
        }
        for head in range(heads)
    ]
    run_parts(image, job, parts)


@given(SEEDS, st.integers(2, 30), SIZES, SIZES, st.integers(-20, 20), st.data())
def test_attention_over_rows(seed, rows, columns, inner, offset, data):
    """The rows of the second part count from 0 again: its mask's offset is larger by the cut."""
    image = Image(TINY, np.random.default_rng(seed))
    job = attention_job(
        image,
        rows=rows,
        columns=columns,
        inner=inner,
        causal=True,
        mask_offset=offset,
        block_rows=7,
    )
    cut = data.draw(st.integers(1, rows - 1))
    second = {"rows": rows - cut, "mask_offset": offset + cut}
    second |= moved(job.fields, "xy", "row_stride", cut)
    run_parts(image, job, [{"rows": cut}, second])


@given(SEEDS, SIZES, SIZES, SIZES, st.integers(1, 8), st.integers(1, 8))
def test_attention_over_blocks(seed, rows, columns, inner, one, other):
    """The size and the number of scratch blocks change nothing in Y."""
    image = Image(TINY, np.random.default_rng(seed))
    job = attention_job(
        image, heads=2, rows=rows, columns=columns, inner=inner, block_rows=8, blocks=2
    )
    run_parts(image, job, [{"block_rows": one, "blocks": 1}])
    run_parts(image, job, [{"block_rows": other, "blocks": 2}])


@given(SEEDS, SIZES, SIZES)
def test_heads_may_share_scratch(seed, rows, columns):
    image = Image(TINY, np.random.default_rng(seed))
    job = attention_job(image, heads=3, rows=rows, columns=columns, inner=9, block_rows=5)
    run_parts(image, job, [{"s_head_stride": 0}])
