"""The work items of the engine's bench: what they compute, where it lies, what waits for what."""

import math

import numpy as np
import pytest

from heed.bench.image import DTYPES
from heed.bench.items import (
    CASES,
    PUBLISHED,
    SHAPES,
    Shape,
    attention,
    encoder,
    encoder_case,
    gelu_table,
    layernorm,
    linear,
)
from heed.bench.program import SIZES, product_bound
from heed.errors import HeedError
from hw.config import TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import DESCRIPTOR, ElementType, Kind, Status
from sw_model.engine import EngineModel


def chain(work):
    """Return the fields of a work item's descriptors, by name of the job."""
    address, jobs = work.doorbell, {}
    for name in work.jobs:
        offset = address - TCDM_BASE
        jobs[name] = DESCRIPTOR.unpack(work.image[offset : offset + DESCRIPTOR.bytes])
        address = jobs[name]["next"]
    assert address == 0
    return jobs


def extents(f):
    """Return {operand: (rows, columns, element bytes, heads)} of a job."""
    rows, columns, inner = f["rows"], f["columns"], f["inner"]
    x, y, r = (DTYPES[ElementType(f[f"{name}_type"])].itemsize for name in "xyr")
    if f["kind"] == Kind.ATTENTION:
        sizes = {"x": (rows, inner, 1), "w": (columns, inner, 1), "r": (inner, columns, 1)}
        sizes |= {"y": (rows, inner, 1), "s": (f["block_rows"] * f["blocks"], columns, 1)}
    elif f["kind"] == Kind.LINEAR:
        sizes = {"x": (rows, inner, x), "w": (columns, inner, 1), "y": (rows, columns, y)}
        if f["use_residual"]:
            sizes["r"] = (rows, columns, r)
    else:
        sizes = {"x": (rows, columns, x), "y": (rows, columns, y)}
    return sizes


def touched(f, name):
    """Return the set of bytes of an operand."""
    rows, columns, size = extents(f)[name]
    base, row, head = (f[f"{name}_{part}"] for part in ("base", "row_stride", "head_stride"))
    starts = {base + row * r + head * h for r in range(rows) for h in range(f["heads"])}
    return {start + byte for start in starts for byte in range(columns * size)}


ITEMS = {
    "paper": lambda: encoder(PAPER, 0, Shape(64, 64, 64, 64)),
    "odd": lambda: encoder(TINY, 1, Shape(19, 21, 10, 13), 3),
    "small": lambda: encoder(TINY, 2, Shape(1, 1, 1, 1)),
    "attention": lambda: attention(PAPER, 0, 2, 65, 20),
    "layernorm": lambda: layernorm(PAPER, 0, 128, 384),
    "linear": lambda: linear(PAPER, 0, 32, 48, 64, True),
}


@pytest.mark.parametrize("name", ITEMS)
def test_operands_wait_for_what_earlier_jobs_write_and_for_nothing_else(name):
    """And nothing that is written is touched by anybody else."""
    written = set()
    for f in chain(ITEMS[name]()).values():
        for operand in extents(f):
            bytes_ = touched(f, operand)
            if operand in "ys":
                assert not bytes_ & written
            else:
                assert f[f"wait_{operand}"] == bool(bytes_ & written)
        written |= touched(f, "y")
        assert not f["wait_p"]


@pytest.mark.parametrize("name", ["paper", "odd"])
def test_the_work_is_an_encoder_layer(name):
    """Each job reads what the ones before have written."""
    jobs = chain(ITEMS[name]())
    assert list(jobs) == ["K", "Q", "V", "attention", "O", "F1", "F2"]
    for job, operand, source in (
        ("attention", "x", "Q"),
        ("attention", "w", "K"),
        ("attention", "r", "V"),
        ("O", "x", "attention"),
        ("F1", "x", "O"),
        ("F2", "x", "F1"),
    ):
        assert jobs[job][f"{operand}_base"] == jobs[source]["y_base"]
        assert touched(jobs[job], operand) <= touched(jobs[source], "y") | gaps(jobs[source])
    assert jobs["K"]["x_base"] == jobs["Q"]["x_base"] == jobs["V"]["w_base"]
    assert jobs["F1"]["use_table"] and not jobs["F2"]["use_table"]


def gaps(f):
    """Return the bytes between the heads of an attention's result."""
    if f["kind"] != Kind.ATTENTION:
        return set()
    rows = (f["y_base"] + f["y_row_stride"] * row for row in range(f["rows"]))
    return {start + byte for start in rows for byte in range(f["heads"] * f["y_head_stride"])}


@pytest.mark.parametrize("name", [name for name in ITEMS if name != "small"])
def test_results_are_spread_over_int8(name):
    """A kernel that always answers the same would otherwise look right."""
    work = ITEMS[name]()
    memory = bytearray(work.image)
    results = EngineModel(work.config).run(memory, work.doorbell)
    assert [result.status for result in results] == [Status.DONE] * len(work.jobs)
    for job, f in chain(work).items():
        places = np.array(sorted(touched(f, "y"))) - TCDM_BASE
        values = np.frombuffer(memory, np.int8)[places]
        assert values.std() > 12, job
        assert len(np.unique(values)) > 60, job
        assert np.isin(values, (-128, 127)).mean() < 0.1, job


def test_macs_are_those_of_the_sizes():
    """Gaps between heads and whole tiles do not count."""
    s, e, p, f, heads = 19, 21, 10, 13, 3
    qkv, scores, project = 3 * s * e * p * heads, 2 * s * s * p * heads, s * e * p * heads
    assert ITEMS["odd"]().macs == qkv + scores + project + 2 * s * e * f
    assert encoder(PAPER, 0, SHAPES[0]).macs == 2 << 20
    assert attention(PAPER, 0, 6, 197, 64).macs == 2 * 6 * 197 * 197 * 64
    assert layernorm(PAPER, 0, 128, 384).macs == 0


@pytest.mark.parametrize(
    ("heads", "tokens", "head", "share"),
    [(6, 197, 64, 84.9), (6, 241, 64, 94.1), (12, 128, 32, 66.7)],
)
def test_bounds_of_attention(heads, tokens, head, share):
    """Columns round up to 16, inner lengths to 64, rows are balanced."""
    work = attention(PAPER, 0, heads, tokens, head)
    assert round(100 * work.macs / (1024 * work.bound), 1) == share


def test_bounds():
    assert product_bound(PAPER, 64, 64, 64) == 256
    assert product_bound(PAPER, 197, 64, 64) == 4 * 197
    assert product_bound(PAPER, 3, 17, 65) == 4 * 16, "weights take 16 cycles"
    assert layernorm(PAPER, 0, 128, 384).bound == 3072
    assert encoder(PAPER, 0, SHAPES[0]).bound == 2048


def test_seeds_differ_and_repeat():
    first, again, other = (encoder(TINY, seed, Shape(5, 5, 5, 5)) for seed in (3, 3, 4))
    assert first.image == again.image != other.image


def test_scratchpads_are_deep_enough_and_no_deeper():
    sizes = {case.name: len(case.make(PAPER, 0).image) for case in CASES}
    assert set(sizes.values()) == {SIZES[0]}, "one build for all of them"
    work = encoder(PAPER, 0, Shape(512, 512, 64, 1024))
    assert len(work.image) == work.config.tcdm.bytes == SIZES[1]
    with pytest.raises(HeedError, match="KiB of scratchpad, but the largest has 4096 KiB"):
        encoder(PAPER, 0, Shape(4096, 4096, 64, 64))


def test_names():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    for shape in ("64,64,64,64", "128,128,64,512", "256,256,64,256", "512,512,64,512"):
        assert shape in names
        assert shape == "64,64,64,64" or {f"{shape}@grant0.9", f"{shape}@grant0.5"} <= set(names)
    assert {
        "128,128,64,512@traffic",
        "attention H=6 S=197 P=64",
        "attention H=6 S=241 P=64",
        "attention H=12 S=128 P=32",
        "layernorm 128x384",
        "linear 128x384x384",
        "linear 128x384x384 +residual",
    } <= set(names)
    assert set(PUBLISHED) <= set(names)
    assert encoder_case(SHAPES[0], heads=2, grant=0.25, traffic=True).name == (
        "64,64,64,64 H=2@grant0.25@traffic"
    )


def test_gelu():
    table = gelu_table()
    assert table[128] == 0 and table[255] == 127 and table[0] == 0
    x = 20 / 32
    assert table[128 + 20] == round(32 * x * (1 + math.erf(x / math.sqrt(2))) / 2)
    assert table.min() < 0
