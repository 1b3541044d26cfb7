"""Every kind of job and every mode of it, from the formulas in unbounded integers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.presets import TINY
from hw.regmap import DESCRIPTOR, ElementType, Kind, ParamMode, Status
from sw_model import ops
from sw_model.engine import EngineModel, check
from verif.lib.engine_modes import MODES, Mode
from verif.lib.jobs import DTYPES, Image, Job, direct_job, linear_job, load_rows, store_rows

MODEL = EngineModel(TINY)
KINDS = (Kind.LINEAR, Kind.LAYERNORM, Kind.ELEMENTWISE, Kind.COPY)
SIZES = st.integers(1, 12)
SEEDS = st.integers(0, 2**32 - 1)
MODE_OF_KIND = st.sampled_from([(kind, mode) for kind in KINDS for mode in MODES[kind]])


def wrapped(value, bits):
    """Two's complement of `bits` bits."""
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


def clipped(value, element):
    info = np.iinfo(DTYPES[element])
    return max(info.min, min(info.max, value))


def one_output(job, mode, acc, head, row, column):
    """Return an element of Y whose sum is `acc`."""
    t, f = job.tensors, job.fields
    r = int(t["r"][head, row, column]) if mode.join != "none" else 0
    if mode.join == "accumulate":
        acc, r = wrapped(acc + r, 32), 0
    if mode.entries is None:
        return acc
    index = {
        ParamMode.COMMON: 0,
        ParamMode.COLUMN: head * f["columns"] + column,
        ParamMode.ROW: head * f["rows"] + row,
        ParamMode.HEAD: head,
    }[mode.entries]
    mul, add, shift, rmul, rsh = (
        int(t[name][index]) for name in ("mul", "add", "shift", "rmul", "rsh")
    )
    total = wrapped(acc * mul + ((r * rmul) << rsh) + add, 64) >> shift
    if not mode.table:
        return clipped(total, mode.y_type)
    looked_up = int(t["table"][clipped(total, ElementType.INT8) + 128])
    return looked_up % 256 if mode.y_type == ElementType.UINT8 else looked_up


def sums_of(kind, tensors):
    """Return what stands for the accumulators, [heads, rows, columns]."""
    x = tensors["x"]
    if kind == Kind.LAYERNORM:
        return ops.standardise(x)
    if kind == Kind.LINEAR:
        return x.astype(object) @ np.swapaxes(tensors["w"], 1, 2).astype(object)
    return x


def place(image, kind, mode, **sizes) -> Job:
    f = {"x_type": mode.x_type, "y_type": mode.y_type, "join": mode.join}
    f |= {"use_table": mode.table, "param_mode": mode.entries or ParamMode.COMMON}
    if mode.r_type is not None:
        f["r_type"] = mode.r_type
    if kind == Kind.LINEAR:
        return linear_job(image, **f, **sizes)
    sizes.pop("inner")
    return direct_job(image, kind, **f, **sizes)


def expected(kind, mode, job):
    """Return Y element by element."""
    acc = sums_of(kind, job.tensors)
    y = np.zeros(acc.shape, DTYPES[mode.y_type])
    for place_of, value in np.ndenumerate(acc):
        y[place_of] = one_output(job, mode, int(value), *place_of)
    return y


def run(image, job):
    """Run a job; nothing but Y and the status word may change. Return Y."""
    f, before = job.fields, Image(image.config, np.random.default_rng(0))
    before.bytes[:] = image.bytes
    (result,) = MODEL.run(image.bytes, job.address)
    assert result.status == Status.DONE
    shape = f["heads"], f["rows"], f["columns"]
    assert result.written == {"y": shape}
    y = load_rows(image, f, "y", shape, DTYPES[f["y_type"]])
    store_rows(before, f, "y", y)
    before.put(f["status"], image.get(f["status"], 8))
    assert image.bytes == before.bytes
    return y


@given(SEEDS, MODE_OF_KIND, st.integers(1, 3), SIZES, SIZES, SIZES)
def test_is_the_formula(seed, kind_mode, heads, rows, columns, inner):
    kind, mode = kind_mode
    image = Image(TINY, np.random.default_rng(seed))
    job = place(image, kind, mode, heads=heads, rows=rows, columns=columns, inner=inner)
    assert Mode.of(job.fields) == mode
    want = expected(kind, mode, job)
    np.testing.assert_array_equal(run(image, job), want)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_mode(kind):
    """Two small jobs of each mode; taken together, results use the range of their types."""
    found = {}
    for number, mode in enumerate(2 * MODES[kind]):
        image = Image(TINY, np.random.default_rng(number))
        job = place(image, kind, mode, heads=2, rows=3, columns=5, inner=7)
        want = expected(kind, mode, job)
        np.testing.assert_array_equal(run(image, job), want)
        found.setdefault(mode.y_type, set()).update(want.flat)
    for y_type, values in found.items():
        info = np.iinfo(DTYPES[y_type])
        assert int(max(values)) - int(min(values)) > 0.8 * (info.max - info.min), y_type.name


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_the_modes_are_what_the_check_allows(kind):
    """All combinations of the fields that a mode is made of."""
    f = {"version": 1, "kind": kind, "rows": 1, "columns": 1, "inner": 1, "heads": 1}
    f |= {"block_rows": 1, "blocks": 1, "kv_length": 1}
    for name in ("x_base", "w_base", "r_base", "y_base", "s_base", "param_base", "table_base"):
        f[name] = 0x1000_0000
    allowed = set()
    for n in np.ndindex(4, 4, 4, 2, 2, 2, 4):
        names = ("x_type", "y_type", "r_type", "use_table", "use_residual", "accumulate")
        tried = f | dict(zip((*names, "param_mode"), (int(i) for i in n), strict=True))
        if check(TINY, DESCRIPTOR.pack(**tried)) == Status.DONE:
            allowed.add(Mode.of(tried))
    assert allowed == set(MODES[kind])


@pytest.mark.parametrize("kind", [Kind.LINEAR, Kind.ELEMENTWISE], ids=lambda kind: kind.name)
@pytest.mark.parametrize("join", ["residual", "accumulate"])
def test_the_residual_may_be_replaced_by_the_result(kind, join):
    """R and Y in one place, several heads: every element is read before it is written."""
    element = ElementType.INT16 if join == "residual" else ElementType.INT32
    mode = Mode(ElementType.INT8, element, join, element)
    mode = replace(mode, entries=ParamMode.COLUMN if join == "residual" else None)
    image = Image(TINY, np.random.default_rng(5))
    job = place(image, kind, mode, heads=3, rows=7, columns=9, inner=11)
    want = expected(kind, mode, job)
    job.store(image, **{f"y_{n}": job.fields[f"r_{n}"] for n in ("base", "row_stride")})
    job.store(image, y_head_stride=job.fields["r_head_stride"])
    np.testing.assert_array_equal(run(image, job), want)


def test_accumulation_goes_on_where_it_stopped():
    """Two products of half the inner size, the second accumulated, are the whole product."""
    image = Image(TINY, np.random.default_rng(6))
    whole = linear_job(image, rows=9, columns=5, inner=32, y_type=ElementType.INT16)
    (result,) = MODEL.run(image.bytes, whole.address)
    assert result.status == Status.DONE
    shape = 1, 9, 5
    want = load_rows(image, whole.fields, "y", shape, np.int16)
    f = dict(whole.fields)
    partial = image.place(9 * 24)
    image.put(f["y_base"], bytes(2))
    y = {"y_base": partial, "y_row_stride": 24, "y_type": ElementType.INT32}
    whole.store(image, inner=16, **y)
    MODEL.run(image.bytes, whole.address)
    whole.fields = f
    r = {"r_base": partial, "r_row_stride": 24, "r_type": ElementType.INT32, "accumulate": 1}
    whole.store(image, inner=16, x_base=f["x_base"] + 16, w_base=f["w_base"] + 16, **r)
    MODEL.run(image.bytes, whole.address)
    np.testing.assert_array_equal(load_rows(image, f, "y", shape, np.int16), want)


def test_strides_of_zero_repeat_rows_and_heads():
    """A bias row that every row gets, and one X for all heads."""
    image = Image(TINY, np.random.default_rng(7))
    mode = Mode(
        ElementType.INT8, ElementType.INT16, "residual", ElementType.INT16, False, ParamMode.COMMON
    )
    job = place(image, Kind.LINEAR, mode, heads=2, rows=4, columns=6, inner=5)
    job.tensors["r"][:] = job.tensors["r"][0, 0]
    job.tensors["x"][:] = job.tensors["x"][0]
    want = expected(Kind.LINEAR, mode, job)
    job.store(image, r_row_stride=0, r_head_stride=0, x_head_stride=0)
    np.testing.assert_array_equal(run(image, job), want)


def test_fields_that_a_kind_does_not_use_do_not_matter():
    image = Image(TINY, np.random.default_rng(8))
    job = direct_job(image, Kind.COPY, rows=3, columns=4, x_type=2, y_type=2)
    rubbish = {"inner": 0xFFFF_FFFF, "w_base": 3, "s_base": 5, "r_base": 1, "r_type": 3}
    job.store(image, **rubbish, param_base=7, table_base=1, mask_mode=3, kv_length=99, param_mode=2)
    np.testing.assert_array_equal(run(image, job), job.tensors["x"])
