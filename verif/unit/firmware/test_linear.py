"""The linear kernels on this computer, on the simulator and on the RTL, against the reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.kernels import Memory
from heed.kernels.linear import linear, linear_general
from heed.toolchain.kernels import CoreEntries
from sw_model import ops
from verif.lib.kernel_check import agree
from verif.lib.kernel_operands import finds, run_case, small_program, without

TEXT, STRIP, LINEAR, GENERAL = (
    "matrix/block_text.h",
    "matrix/strip.h",
    "matrix/linear.c",
    "matrix/linear_general.c",
)
seeds = st.integers(0, 2**32 - 1)
few = settings(deadline=None, max_examples=30)


def draw(rng, shape, low, high, dtype):
    """Random elements; now and then only the extremes."""
    if rng.random() < 0.2:
        return rng.choice([low, high], shape).astype(dtype)
    return rng.integers(low, high + 1, shape).astype(dtype)


def core_entries(rng, size):
    return CoreEntries(
        bias=rng.integers(-(2**29), 2**29, size) >> rng.integers(0, 30, size),
        mul=rng.integers(0, 2**16, size) >> rng.integers(0, 16, size),
        shift=rng.integers(0, 32, size),
        zero=rng.integers(-128, 128, size),
    )


def table_or_none(rng):
    return rng.integers(-128, 128, 256).astype(np.int8) if rng.random() < 0.25 else None


def core_case(seed, rows, columns, inner, is_unsigned, y_dtype, how):
    """Memory, job and result of a job with entries in core form."""
    rng = np.random.default_rng(seed)
    heads = int(rng.integers(1, 4)) if how == "heads" else 1
    limits = (0, 255, np.uint8) if is_unsigned else (-128, 127, np.int8)
    x = draw(rng, (rows, inner), *limits)
    weight = draw(rng, (heads * columns, inner), -128, 127, np.int8)
    entries, table = core_entries(rng, heads * columns), table_or_none(rng)
    transposed = how == "transposed"
    memory = Memory(rng)
    job = linear(
        memory, x, weight, entries, y_dtype, table=table, heads=heads, transposed=transposed
    )
    y = ops.linear(x, weight, entries.entry, y_dtype, table=table, transposed=transposed)
    return memory, job, {"y": ops.split_heads(y, heads) if heads > 1 else y}


core_cases = st.builds(
    core_case,
    seed=seeds,
    rows=st.integers(1, 19),
    columns=st.integers(1, 19),
    inner=st.integers(1, 80),
    is_unsigned=st.booleans(),
    y_dtype=st.sampled_from(["int8", "uint8"]),
    how=st.sampled_from(["plain", "heads", "transposed"]),
)


def general_case(seed, rows, columns, inner, is_unsigned, dtype, transposed):
    """The same with entries in general form."""
    rng = np.random.default_rng(seed)
    limits = (0, 255, np.uint8) if is_unsigned else (-128, 127, np.int8)
    x = draw(rng, (rows, inner), *limits)
    weight = draw(rng, (columns, inner), -128, 127, np.int8)
    size, entry, table, residual = int(rng.choice([1, columns])), None, None, None
    if dtype != "int32":
        entry = ops.Entry(
            mul=rng.integers(-(2**16), 2**16, size),
            add=rng.integers(-(2**47), 2**47, size) >> rng.integers(0, 48, size),
            shift=rng.integers(0, 32, size),
            rmul=rng.integers(-(2**16), 2**16, size),
            rsh=rng.integers(0, 28, size),
        )
        if rng.random() < 0.5:
            low, high, kind = [(-128, 127, np.int8), (-32768, 32767, np.int16)][rng.integers(0, 2)]
            residual = draw(rng, (rows, columns), low, high, kind)
    if dtype in ("int8", "uint8"):
        table = table_or_none(rng)
    memory = Memory(rng)
    placed = residual.T.copy() if residual is not None and transposed else residual
    job = linear_general(
        memory, x, weight, entry, dtype, table=table, residual=placed, transposed=transposed
    )
    y = ops.linear(x, weight, entry, dtype, table=table, residual=residual, transposed=transposed)
    return memory, job, {"y": y}


general_cases = st.builds(
    general_case,
    seed=seeds,
    rows=st.integers(1, 13),
    columns=st.integers(1, 13),
    inner=st.integers(1, 40),
    is_unsigned=st.booleans(),
    dtype=st.sampled_from(["int8", "uint8", "int16", "int32"]),
    transposed=st.booleans(),
)


@settings(deadline=None, max_examples=200)
@given(case=core_cases, harts=st.integers(1, 9))
def test_core_form_on_this_computer(case, harts):
    agree("host", *case, harts)


@settings(deadline=None, max_examples=60)
@given(case=core_cases, harts=st.integers(1, 2))
def test_core_form_on_the_simulator(case, harts):
    agree("iss", *case, harts)


@settings(deadline=None)
@given(case=general_cases, harts=st.integers(1, 9))
def test_general_form_on_this_computer(case, harts):
    agree("host", *case, harts)


@few
@given(case=general_cases, harts=st.integers(1, 2))
def test_general_form_on_the_simulator(case, harts):
    agree("iss", *case, harts)


HOWS = ("plain", "heads", "transposed")


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("inner", [1, 2, 3, 4, 5, 64, 127, 192, 1023])
def test_inner_sizes_with_extreme_values(how, inner):
    """Whole and part blocks of both; sums of the largest products."""
    for seed in range(4):
        args = (seed, 7, 9, inner, bool(seed & 1), ("int8", "uint8")[seed // 2], how)
        agree("iss", *core_case(*args), 2)
        agree("host", *core_case(*args), 3)


@pytest.mark.parametrize("how", HOWS)
def test_whole_blocks(how):
    """Sizes of whole blocks, which have a walk of their own, on teams that cut strips anywhere."""
    for seed in range(6):
        args = (seed, 12, 16, 20 + seed, bool(seed & 1), "int8", how)
        for harts in (1, 3, 5, 7):
            agree("host", *core_case(*args), harts)
        agree("iss", *core_case(*args), 2)


@pytest.mark.parametrize("left_out", ["xcv_hwlp", "xcv_mem", "xcv_simd", "xheed", "everything"])
def test_on_smaller_cores(tmp_path, left_out):
    kernels = ["heed_linear", "heed_linear_general"]
    cluster = small_program(tmp_path, kernels, [LINEAR, GENERAL], without(left_out))
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = map(int, rng.integers(1, 14, 3))
        run_case(cluster, core_case(seed, *sizes, bool(seed & 1), "int8", HOWS[seed % 3]), 2)


@pytest.mark.parametrize("seed", range(6))
def test_on_the_rtl(seed):
    """A sample, whole blocks and the edges, on one and on two harts."""
    rng = np.random.default_rng(seed)
    rows, columns = map(int, rng.integers(1, 14, 2))
    inner = int(rng.integers(1, 40))
    case = core_case(seed, rows, columns, inner, bool(seed & 1), "int8", HOWS[seed % 3])
    agree("rtl", *case, 1 + seed // 3)
    dtype = ("int8", "uint8", "int16", "int32")[seed % 4]
    agree("rtl", *general_case(seed, rows, columns, inner, bool(seed & 1), dtype, seed > 2), 2)


def bug_cases():
    """Cases of which each planted bug spoils one at least."""
    for seed in range(8):
        for rows, columns in ((13, 10), (12, 16), (3, 9), (2, 3)):
            inner = (16, 19, 5, 2)[seed % 4]
            dtype = ("int8", "uint8")[seed // 4]
            yield core_case(seed, rows, columns, inner, bool(seed & 1), dtype, HOWS[seed % 3])
        yield general_case(
            seed, 6, 7, 11, bool(seed & 1), ("int8", "int16")[seed // 4], seed % 3 == 2
        )


BUGS = {
    "a row of the block": (TEXT, "DOTS_2(D, t4) DOTS_3(D, t5)", "DOTS_2(D, t4) DOTS_3(D, t4)"),
    "one instruction less": (STRIP, '1 + 4 + 5 * " #R', '4 + 5 * " #R'),
    "a strip's end": (STRIP, "((down) ? 3 : 5))", "((down) ? 2 : 4))"),
    "bytes behind a row": (TEXT, '"and t4, t4, t5\\n" DOTS', '"" DOTS'),
    "a sign": (
        TEXT,
        '"cv.sdotusp.b " #sum ", " #w ", " #x',
        '"cv.sdotusp.b " #sum ", " #x ", " #w',
    ),
    "a lane": (TEXT, "RQ_##R(U, 2, t2, t2, t2, t2", "RQ_##R(U, 3, t2, t2, t2, t2"),
    "an entry": (TEXT, "RQ_##R(U, 1, t0, t1, t2, t3", "RQ_##R(U, 1, t0, t0, t2, t3"),
    "a bias": (TEXT, '"mv s6, a0\\nmv s7, a1\\nmv s8', '"mv s6, a0\\nmv s7, a0\\nmv s8'),
    "entries that stand still": (TEXT, '"addi gp, gp, 32\\n"', '"addi gp, gp, 0\\n"'),
    "the table": ("look_up.h", "(int8_t)(bytes >> 16)", "(uint8_t)(bytes >> 16)"),
    "the table of whole blocks": (
        "look_up.h",
        '"cv.packlo.b %[a], %[b], %[a]\\n"',
        '"cv.packlo.b %[a], %[a], %[b]\\n"',
    ),
    "the table's next row": ("look_up.h", '[next] "r"(x_stride - 3)', '[next] "r"(x_stride - 4)'),
    "rows of a block elsewhere": (STRIP, "*to = ROW(y, row, y_stride)", "*to = ROW(y, row, 4)"),
    "the share": (LINEAR, "within % length, share.end", "0 * within, share.end"),
    "the last rows": (LINEAR, "minimum(row, job.rows - kind.rows)", "row"),
    "the next head": (LINEAR, "job->w = ROW(job->w, 1, job->w_head_stride)", "job->w = job->w"),
    "bytes of the last word": (
        "matrix/block.h",
        "(*x & ((1u << 8 * (inner % 4)) - 1)",
        "(*x",
    ),
    "the residual's shift": (GENERAL, "<< entry.rsh", "<< (entry.rsh & 1)"),
    "clipping to 16 bits": (GENERAL, "clip16(value)", "(int16_t)value"),
    "entries by row": (
        GENERAL,
        "unpack(job->entries + piece.row + i)",
        "unpack(job->entries)",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(tmp_path, bug):
    kernel = "heed_linear_general" if BUGS[bug][0] == GENERAL else "heed_linear"
    source = GENERAL if BUGS[bug][0] == GENERAL else LINEAR
    assert finds(tmp_path, [kernel], [source], BUGS[bug], bug_cases())


def test_the_inner_loop_is_24_instructions():
    """8 loads and 16 dot products; the estimate of cycles counts nothing else in it."""
    taken = []
    for inner in (40, 80):
        rng = np.random.default_rng(1)
        memory = Memory()
        x, weight = (draw(rng, (4, inner), -128, 127, np.int8) for _ in range(2))
        entries = core_entries(rng, 4)
        job = linear(memory, x, weight, entries)
        taken.append(agree("iss", memory, job, {"y": ops.linear(x, weight, entries.entry)}))
    assert taken[1] - taken[0] == 10 * 24
