"""The attention kernels on this computer, the simulator and the RTL, against the reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.kernels import Memory
from heed.kernels.attention import (
    MAX_KEYS,
    Heads,
    Mask,
    attention,
    exponential_tables,
    logits,
    row_factors,
    values,
)
from heed.toolchain.kernels import CoreEntries
from sw_model import ops
from verif.lib.kernel_check import agree
from verif.lib.kernel_operands import finds, run_case, small_program, without

ATTENTION, SOFTMAX = "matrix/attention.c", "matrix/softmax.h"
HARTS = 9
KERNELS = ("attention", "logits", "values")


def int8(rng, *shape):
    if rng.random() < 0.1:
        return rng.choice([-128, 127], shape).astype(np.int8)
    return rng.integers(-128, 128, shape).astype(np.int8)


def random_heads(rng, heads, size):
    """Parameters that spread logits over int8, more or less, for each head another way."""
    mul = np.rint(rng.uniform(2, 90, heads) / (74.0**2 * size**0.5) * 2**20).astype(np.int64)
    logit = CoreEntries(
        bias=rng.integers(-3000, 3001, heads),
        mul=np.minimum(mul, 2**16 - 1),
        shift=np.full(heads, 20),
        zero=rng.integers(-128, 128, heads),
    )
    return Heads(logit, j=rng.integers(1, 6, heads), g=rng.integers(0, 2, heads))


def major(x, heads):
    return np.ascontiguousarray(ops.split_heads(x, heads))


def make(seed, kernel, rows, keys, size, heads, seen=None, causal=False, offset=0):
    """Memory, job and results of one of the kernels.

    `seen` of the keys count; q and k are head-major, or heads side by side where they fit.
    """
    rng = np.random.default_rng(seed)
    q, k = int8(rng, rows, heads * size), int8(rng, keys, heads * size)
    vt = int8(rng, heads * size, keys)
    parameters = random_heads(rng, heads, size)
    mask = Mask(keys if seen is None else min(seen, keys), causal, offset)
    y, found = ops.attention(
        q,
        k,
        vt,
        parameters.logit.entry,
        heads=heads,
        j=parameters.j,
        g=parameters.g,
        kv_len=mask.keys,
        causal=causal,
        offset=offset,
    )
    where = ops.attention_mask(rows, keys, kv_len=mask.keys, causal=causal, offset=offset)
    e = ops.exponential(found, where, parameters.j[:, None, None])
    e = np.pad(e, ((0, 0), (0, 0), (0, -keys % 4)))
    factors = row_factors(e, parameters.g)
    memory = Memory(rng)
    if kernel == "values":
        places = (memory.put(e), memory.put(factors), memory.put(vt))
        return memory, values(memory, *places, keys), {"y": y}
    side_by_side = size % 4 == 0 and rng.random() < 0.5
    at_q, at_k = (memory.put(x if side_by_side else major(x, heads)) for x in (q, k))
    if kernel == "logits":
        return memory, logits(memory, at_q, at_k, parameters, mask), {"e": e, "factors": factors}
    job = attention(memory, at_q, at_k, memory.put(vt), parameters, mask, harts=HARTS)
    return memory, job, {"y": y}


cases = st.builds(
    make,
    seed=st.integers(0, 2**32 - 1),
    kernel=st.sampled_from(KERNELS),
    rows=st.integers(1, 19),
    keys=st.integers(1, 30),
    size=st.integers(1, 20),
    heads=st.integers(1, 5),
    seen=st.none() | st.integers(0, 30),
    causal=st.booleans(),
    offset=st.integers(-6, 12),
)


@settings(deadline=None, max_examples=200)
@given(case=cases, harts=st.integers(1, HARTS))
def test_on_this_computer(case, harts):
    agree("host", *case, harts)


@settings(deadline=None, max_examples=60)
@given(case=cases, harts=st.integers(1, 2))
def test_on_the_simulator(case, harts):
    agree("iss", *case, harts)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("keys", [1, 2, 3, 4, 5, 64, 127])
def test_numbers_of_keys(kernel, keys):
    for seed in range(3):
        case = make(seed, kernel, 6, keys, (8, 3, 13)[seed], 2)
        agree("iss", *case, 2)
        agree("host", *case, 5)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("rows", range(1, 10))
def test_every_cut_of_the_rows(kernel, rows):
    """Teams of any size: parts of one to four rows, at every place of a head."""
    case = make(rows, kernel, rows, 9, 8, 3, causal=bool(rows % 2), offset=3)
    for harts in range(1, HARTS + 1):
        agree("host", *case, harts)
    agree("iss", *case, 1 + rows % 2)


def test_the_most_keys():
    """The shift of a normalisation is 31 for rows whose exponentials are all 255."""
    agree("host", *make(3, "attention", 2, MAX_KEYS, 4, 1))
    rng = np.random.default_rng(0)
    e = np.full((1, 5, MAX_KEYS), 255, np.uint8)
    vt = int8(rng, 4, MAX_KEYS)
    memory = Memory()
    places = (memory.put(e), memory.put(row_factors(e, [0])), memory.put(vt))
    y = ops.normalise(e[0].astype(np.int64) @ vt.T.astype(np.int64), 255 * MAX_KEYS, 0)
    agree("host", memory, values(memory, *places, MAX_KEYS), {"y": y})
    q, k = memory.put(int8(rng, 1, 1, 4)), memory.put(int8(rng, 1, MAX_KEYS + 1, 4))
    with pytest.raises(ValueError, match="4097 keys; at most 4096"):
        logits(memory, q, k, random_heads(rng, 1, 4), Mask(1))


@pytest.mark.parametrize("seen, offset", [(0, 0), (20, -30)])
def test_rows_that_see_nothing_give_0(seen, offset):
    for kernel in KERNELS[:2]:
        case = make(1, kernel, 5, 20, 8, 2, seen=seen, causal=True, offset=offset)
        assert all(not np.any(case[2][name]) for name in ("y", "e") if name in case[2])
        agree("iss", *case, 2)


@pytest.mark.parametrize("left_out", ["xcv_hwlp", "xcv_bitmanip", "xheed", "everything"])
def test_on_smaller_cores(tmp_path, left_out):
    names = [f"heed_{name}" for name in KERNELS]
    cluster = small_program(tmp_path, names, [ATTENTION], without(left_out))
    for seed in range(9):
        run_case(cluster, make(seed, KERNELS[seed % 3], 5, 7 + seed, 6, 2), 2)


@pytest.mark.parametrize("kernel", KERNELS)
def test_on_the_rtl(kernel):
    """A sample: whole blocks, every other size, masks."""
    agree("rtl", *make(0, kernel, 8, 16, 8, 2), 2)
    agree("rtl", *make(1, kernel, 7, 13, 5, 3, seen=11), 2)
    agree("rtl", *make(2, kernel, 6, 9, 12, 1, causal=True, offset=1), 1)
    agree("rtl", *make(3, kernel, 3, 3, 3, 2), 2)


def test_tables():
    """By distance from the maximum, the farthest first; a distance of 0 is 255."""
    tables = exponential_tables()
    assert tables.shape == (5, 256)
    assert (tables[:, 255] == 255).all()
    for j in range(1, 6):
        for distance in (0, 1, 7, 40, 255):
            logit = np.array([[127, 127 - distance]])
            wanted = ops.exponential(logit.clip(-128), True, j)[0, 1]
            assert tables[j - 1, 255 - distance] == wanted


def bug_cases():
    for seed in range(6):
        for kernel in KERNELS:
            yield make(seed, kernel, 7, 13 + seed, (8, 6, 3)[seed % 3], 2, seen=12)
            yield make(seed, kernel, 5, 16, 8, 1 + seed % 3, causal=True, offset=1)
            yield make(seed, kernel, 6, 12, 8, 2)


BUGS = {
    "the maximum": (SOFTMAX, '"cv.max.b %[most], %[most], %[b]\\n"', '""'),
    "the maximum's bytes": (SOFTMAX, "most >> 8 | most << 24", "most"),
    "a byte of the exponentials": (
        SOFTMAX,
        '"cv.packhi.b %[a], %[d], %[c]',
        '"cv.packhi.b %[a], %[c], %[d]',
    ),
    "the sum": (SOFTMAX, "sum -= xcv_dotup_b(row[words - 1] & ~mask, ONES)", "sum -= 0"),
    "what lies behind the last key": (SOFTMAX, "row[words - 1] &= mask;", ""),
    "the factor's limit": (
        SOFTMAX,
        "factor.quotient > 4095 ? 4095 : factor.quotient",
        "factor.quotient & 4095",
    ),
    "the gain": (SOFTMAX, "12 + length - g", "12 + length - 2 * g"),
    "the mask": (ATTENTION, "+ job->offset + 1", "+ job->offset"),
    "the head's entry": (ATTENTION, "job->entries[index]", "job->entries[0]"),
    "the table": (ATTENTION, "256 * (entry.j - 1)", "256 * (entry.j / 2)"),
    "the next head": (ATTENTION, "ROW(job->vt, part.head,", "ROW(job->vt, part.head / 2,"),
    "the last columns": (ATTENTION, "blocks = 1, new = columns % BLOCK, first", "return; first"),
    "rows of a part": (
        "matrix/block_text.h",
        "LOAD_X(t5, s1) DOTS_0(D, t4)",
        "LOAD_X(t5, s0) DOTS_0(D, t4)",
    ),
    "a part of one row": (
        "matrix/block_text.h",
        "#define STEP_1(D) LOAD_X(t4, s1)",
        "#define STEP_1(D) LOAD_X(t4, s0)",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(tmp_path, bug):
    assert finds(
        tmp_path, [f"heed_{name}" for name in KERNELS], [ATTENTION], BUGS[bug], bug_cases()
    )
