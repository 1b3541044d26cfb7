"""Additions, requantisations and tables on this computer, on the simulator core and on the RTL."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from heed.kernels import Memory
from heed.kernels.elementwise import activation, add, requantise
from heed.kernels.entries import put_entries
from sw_model import ops
from verif.lib.kernel_check import agree
from verif.lib.kernel_operands import (
    SMALLER,
    core_requantise,
    draw,
    draw_core,
    draw_entry,
    finds_bug,
    runs_on_smaller_core,
)
from verif.lib.kernel_suite import suite

sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


def add_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    a = draw(rng, (rows, columns), rng.choice(["int8", "int16"]))
    b = draw(rng, (rows, columns), rng.choice(["int8", "int16"]))
    dtype = str(rng.choice(["int8", "int16"]))
    entry = draw_entry(rng, int(rng.choice([1, columns])), True)
    if seed % 4 == 3:  # sums on both sides of 32 bits
        a, b = (rng.choice([-32768, 32767], a.shape).astype(np.int16) for _ in range(2))
        plus = rng.integers(-(2**18), 2**18) + rng.choice([-(2**32), 0, 0, 2**32])
        entry = ops.Entry(32767, plus, 16, rng.choice([32766, 32767]), 0)
    memory = Memory(rng)
    return memory, add(memory, a, b, entry, dtype), {"y": ops.add(a, b, entry, dtype)}


def core_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(7, 32))
    x = rng.integers(-(2**bits), 2**bits, (rows, columns)).astype(np.int32)
    dtype = str(rng.choice(["int8", "uint8"]))
    entries = draw_core(rng, int(rng.choice([1, columns])), bits + 1)
    memory = Memory(rng)
    wanted = core_requantise(x, entries, dtype)
    return memory, requantise(memory, x, entries, dtype), {"y": wanted}


def general_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    dtype = rng.choice(["int8", "int16", "int32", "int32"])
    x = draw(rng, (rows, columns), dtype)
    if dtype == "int32":
        x = (x >> rng.integers(0, 31)).astype(np.int32)
    to = str(rng.choice(["int8", "uint8", "int16"]))
    entry = draw_entry(rng, int(rng.choice([1, columns])))
    if rng.random() < 0.5:
        entry = replace(entry, shift=np.minimum(entry.shift + 10, 31))
    if seed % 4 == 3:  # additions on both sides of what a high word holds
        shift = rng.integers(8, 15)
        plus = rng.choice([-1, 1]) << rng.integers(shift + 28, shift + 33)
        x, entry = draw(rng, x.shape, "int32"), ops.Entry(rng.integers(-99, 99), plus, shift)
    memory = Memory(rng)
    return memory, requantise(memory, x, entry, to), {"y": ops.requantise(x, entry, to)}


def activation_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    in_place = bool(rng.integers(0, 2))
    if seed % 4 == 3:
        columns, in_place = -(-columns // 4) * 4, False
    x, table = draw(rng, (rows, columns), "int8"), rng.integers(-128, 128, 256).astype(np.int8)
    memory = Memory(rng if seed % 3 else None)
    job = activation(memory, x, table, in_place=in_place)
    return memory, job, {"y": ops.activation(x, table)}


CASES = {
    "add": add_case,
    "requantise": core_case,
    "requantise_general": general_case,
    "activation": activation_case,
}
test_on_this_computer, test_on_the_simulator, test_on_the_rtl = suite(
    CASES, sizes, [(5, 13), (1, 17)]
)


@pytest.mark.parametrize("core", SMALLER)
def test_on_smaller_cores(tmp_path, core):
    sources = [f"elementwise/{name}.c" for name in [*CASES, "scaled_sum"]]
    runs_on_smaller_core(tmp_path, core, sources, CASES)


@pytest.mark.parametrize("a", ["int8", "int16"])
@pytest.mark.parametrize("b", ["int8", "int16"])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("late", [False, True])
def test_every_inner_loop_of_add(a, b, dtype, late):
    """All types, and a second term that joins behind the shift; one entry, and one a column."""
    rng = np.random.default_rng(1)
    x, r = (rng.integers(-128, 128, (6, 10)).astype(kind) for kind in (a, b))
    for size in (1, 10):
        rmul, rsh = (rng.integers(-3, 4, size), 13) if late else (rng.integers(-999, 999, size), 1)
        entry = ops.Entry(rng.integers(-999, 999, size), 2048, 12, rmul, rsh)
        for target in ("host", "iss"):
            memory = Memory(rng)
            job = add(memory, x, r, entry, dtype)
            agree(target, memory, job, {"y": ops.add(x, r, entry, dtype)}, 2)


@pytest.mark.parametrize("target", ["host", "iss"])
@pytest.mark.parametrize("mul", [-65536, -32769, -32768, -32767, 32767, 32768, 65535])
@pytest.mark.parametrize("add_to", [-(2**31), 1 - 2**31, -(2**16), 2**16 - 1, 2**31 - 1, 2**31])
def test_sums_at_the_edge_of_32_bits(target, mul, add_to):
    x = np.array([[-32768, 32767, -32768, 32767, 1, -1]], np.int16)
    b = np.array([[-32768, 32767, 32767, -32768, -1, 1]], np.int16)
    entry = ops.Entry(mul, add_to, 16, 32767, 0)
    memory = Memory()
    agree(target, memory, add(memory, x, b, entry), {"y": ops.add(x, b, entry)})


def test_rows_at_odd_multiples_of_two():
    """Heads of an odd width lie so in a row of int16: words cannot be read there."""
    rng = np.random.default_rng(3)
    x, r = draw(rng, (4, 11), "int16"), draw(rng, (4, 11), "int8")
    entry = ops.Entry(99, 2048, 12, 77, 2)
    for target in ("host", "iss"):
        memory = Memory()
        a, b, y = memory.put(x), memory.put(r), memory.room((4, 11), "int16")
        job = add(Memory(), x, r, entry)
        entries = put_entries(memory, entry, 1)
        part = replace(y, offset=y.offset + 10, shape=(4, 6))
        at = replace(a, offset=a.offset + 10)
        second = replace(b, offset=b.offset + 5)
        values = dict(job.values) | {"a": at, "b": second, "y": part, "entries": entries}
        values |= {"a_stride": a.stride, "b_stride": b.stride, "y_stride": y.stride, "columns": 6}
        wanted = ops.add(x[:, 5:], r[:, 5:], entry)
        agree(target, memory, replace(job, values=values, results={"y": part}), {"y": wanted}, 2)


@pytest.mark.parametrize("target", ["host", "iss"])
@pytest.mark.parametrize("shift", [0, 1, 15, 16, 17, 18, 31])
def test_largest_general_sums(target, shift):
    """Scales around the one that decides how int32 elements are requantised."""
    x = np.array([[-(2**31), 2**31 - 1, 0, -1, 1, 12345]], np.int32)
    limit = (1 << shift) >> 1
    muls = [-65536, 65535, 1 - limit, limit - 1, -limit, limit]
    for mul in sorted(m for m in set(muls) if -65536 <= m <= 65535):
        for plus in (-(2**47), 0, 2**47 - 1):
            for dtype in ("int8", "int16"):
                entry = ops.Entry(mul, plus, shift)
                memory = Memory()
                job = requantise(memory, x, entry, dtype)
                if target == "host" or (plus, dtype) != (0, "int16"):
                    agree(target, memory, job, {"y": ops.requantise(x, entry, dtype)})


SUM, PAIRS, GENERAL, RQ, TABLE, SHARES = (
    "elementwise/scaled_sum.c",
    "elementwise/pairs.h",
    "elementwise/requantise_general.c",
    "elementwise/requantise.c",
    "elementwise/activation.c",
    "arithmetic.h",
)
BUGS = {
    "sums beyond 32 bits": (
        "add",
        SUM,
        "return sum + second <= INT32_MAX;",
        "return sum + second <= UINT32_MAX;",
    ),
    "factors of 17 bits": ("add", SUM, "bytes == 2 ? INT16_MAX", "bytes == 2 ? UINT16_MAX"),
    "a second term that is late": (
        "add",
        SUM,
        "late ? rsh - shift : rsh",
        "late ? rsh - shift + 1 : rsh",
    ),
    "large additions": ("add", SUM, "sign_extend(high, 16) != add >> 31 || ", ""),
    "the last column": ("add", SUM, "part.columns.first += 2 * count;", "return;"),
    "the gap between rows": (
        "add",
        SUM,
        "a_gap = (int32_t)(job->a.stride -",
        "a_gap = (int32_t)(4 + job->a.stride -",
    ),
    "an entry a column": ("add", SUM, "job->entries[c];", "job->entries[0];"),
    "a byte's step": ("add", PAIRS, "pairs->b_step - (b_bytes == 1)", "pairs->b_step"),
    "the upper factor": ("add", PAIRS, "b_factor1 <<= 16;", "b_factor1 <<= 15;"),
    "clipping": ("add", PAIRS, 'CLIP_BYTE("cv.clip", "8")', 'CLIP_BYTE("cv.clip", "9")'),
    "columns of a part": ("add", SHARES, "part.columns.first *= unit;", "part.columns.first *= 1;"),
    "the carry": (
        "requantise_general",
        GENERAL,
        "BOTH(ADD_HIGH) BOTH(ADD_CARRY)",
        "BOTH(ADD_HIGH) BOTH(ADD_HIGH)",
    ),
    "scales from 1/2 on": (
        "requantise_general",
        GENERAL,
        "(1u << shift) >> 1);",
        "(1u << shift));",
    ),
    "the high addition": (
        "requantise_general",
        GENERAL,
        "(int64_t)1 << (30 + shift)",
        "(int64_t)1 << (33 + shift)",
    ),
    "unsigned bytes": (
        "requantise_general",
        GENERAL,
        'CLIP_BYTES("cv.clipu", "9")',
        'CLIP_BYTES("cv.clipu", "8")',
    ),
    "a lane": ("requantise", RQ, "FOURS(4, 5, 6, 7)", "FOURS(4, 5, 6, 3)"),
    "the step of a row": ("requantise", RQ, '"r"(fours.x_step - 12)', '"r"(fours.x_step - 8)'),
    "a common entry": ("requantise", RQ, "job->per_column ? c : 0", "c"),
    "the upper byte": (
        "activation",
        "look_up.h",
        '"cv.lbu %[d], %[d](%[zero])',
        '"cv.lbu %[d], %[c](%[zero])',
    ),
    "order of bytes": ("activation", "look_up.h", '%[b], %[a]\\n"', '%[a], %[b]\\n"'),
    "the last bytes": ("activation", TABLE, "columns / 4 * 4; c", "columns / 4 * 4 + 1; c"),
    "rows with gaps": ("activation", TABLE, "job.x_stride == job.columns && ", ""),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(tmp_path, bug):
    kernel, *change = BUGS[bug]
    sources = [SUM, "elementwise/add.c"] if kernel == "add" else [f"elementwise/{kernel}.c"]
    if kernel == "requantise_general":
        sources.append(SUM)

    def cases(seed):
        return CASES[kernel](seed, 1 + 2 * (seed % 4), 9 + 3 * seed)

    assert finds_bug(tmp_path, f"heed_{kernel}", sources, tuple(change), cases, 40)
