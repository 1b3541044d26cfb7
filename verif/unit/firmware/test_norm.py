"""LayerNorm and NoNorm on this computer, on the simulator core and on the RTL."""

import ctypes

import numpy as np
import pytest
from hypothesis import strategies as st

from heed.kernels import Memory
from heed.kernels.norm import layernorm, nonorm
from heed.toolchain.compiler import INCLUDE, KERNELS, run_compiler
from heed.toolchain.host import FLAGS
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


def draw_rows(rng, rows, columns):
    """Rows of any kind; in some the elements are nearly all the same."""
    x = draw(rng, (rows, columns), "int16").astype(int)
    flat, almost = rng.random((2, rows)) < 0.2
    x[flat] = rng.integers(-32768, 32768, (flat.sum(), 1)) + (rng.random(x[flat].shape) < 0.05)
    x[almost] = rng.integers(-32768, 32767)
    x[almost, rng.integers(0, columns)] += 1
    return np.clip(x, -32768, 32767).astype(np.int16)


def layernorm_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    x = draw_rows(rng, rows, columns)
    entry = draw_entry(rng, columns)
    if seed % 4 == 3:  # sums on both sides of 32 bits
        entry = ops.Entry(
            rng.choice([-65536, 65535], columns), rng.integers(-(2**30), 2**31, columns), 24
        )
    memory = Memory(rng)
    return memory, layernorm(memory, x, entry), {"y": ops.layernorm(x, entry)}


def core_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    x = draw_rows(rng, rows, columns)
    entries = draw_core(rng, columns, 12)
    memory = Memory(rng)
    wanted = core_requantise(ops.standardise(x), entries)
    return memory, layernorm(memory, x, entries), {"y": wanted}


def nonorm_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    x = draw(rng, (rows, columns), rng.choice(["int8", "int16"]))
    residual = draw(rng, x.shape, rng.choice(["int8", "int16"])) if seed % 3 else None
    entry = draw_entry(rng, columns, residual is not None)
    memory = Memory(rng)
    wanted = ops.nonorm(x, entry, residual=residual)
    return memory, nonorm(memory, x, entry, residual=residual), {"y": wanted}


CASES = {"layernorm": layernorm_case, "layernorm_core": core_case, "nonorm": nonorm_case}
test_on_this_computer, test_on_the_simulator, test_on_the_rtl = suite(
    CASES, sizes, [(5, 13), (3, 8)]
)


@pytest.mark.parametrize("core", SMALLER)
def test_on_smaller_cores(tmp_path, core):
    sources = ["norm/layernorm.c", "norm/nonorm.c", "elementwise/scaled_sum.c"]
    runs_on_smaller_core(tmp_path, core, sources, CASES)


WIDE = {
    "extremes": lambda rng, c: np.where(np.arange(c) % 2, 32767, -32768),
    "lowest": lambda rng, c: np.where(np.arange(c) == 1, -32767, -32768),
    "constant": lambda rng, c: np.full(c, -32768),
    "one off": lambda rng, c: np.where(np.arange(c) == c // 2, 7, 6),
    "one far off": lambda rng, c: np.where(np.arange(c) == c // 2, 32767, -32768),
    "random": lambda rng, c: rng.integers(-32768, 32768, c),
    "small": lambda rng, c: rng.integers(-3, 4, c),
}


@pytest.mark.parametrize("columns", [1, 2, 3, 384, 1023, 1024, 1025, 4096])
@pytest.mark.parametrize("core", [False, True])
@pytest.mark.parametrize("target", ["host", "iss"])
def test_wide_rows(columns, core, target):
    """Exact statistics at the widest rows and the smallest and largest variance."""
    rng = np.random.default_rng(columns)
    for make in WIDE.values():
        x = make(rng, columns)[None, :].astype(np.int16)
        memory = Memory(rng)
        if core:
            entry = draw_core(np.random.default_rng(1), columns, 12)
            wanted = core_requantise(ops.standardise(x), entry)
        else:
            entry = ops.Entry(np.full(columns, 811), np.full(columns, -5000), np.full(columns, 13))
            wanted = ops.layernorm(x, entry)
        agree(target, memory, layernorm(memory, x, entry), {"y": wanted})


@pytest.mark.parametrize("columns", [1024, 1028])
@pytest.mark.parametrize("mul", [-65536, -32768, 32767, 65535])
def test_largest_values(columns, mul):
    """|xhat| is largest where one element stands out, just inside 16 bits for 1024 columns."""
    x = np.full((2, columns), -32768, np.int16)
    x[0, 5], x[1] = 32767, 32767
    x[1, 6] = -32768
    muls = np.full(columns, mul)
    for plus, shift in ((np.arange(columns) << 21, 24), (-(2**31), 0), (-(2**31) + 5, 31)):
        entry = ops.Entry(muls, plus, shift)
        for target in ("host", "iss"):
            memory = Memory()
            agree(target, memory, layernorm(memory, x, entry), {"y": ops.layernorm(x, entry)}, 2)


def test_every_deviation():
    """Two elements at a distance of d have the variance d^2: all roots, and all shifts."""
    d = np.arange(65536)
    x = np.stack([d // 2 - 16384, d // 2 - 16384 - d], axis=1)
    x = np.clip(x, -32768, 32767).astype(np.int16)
    entry = ops.Entry([1, 3], [-1024, 3072], [0, 0])
    memory = Memory()
    agree("host", memory, layernorm(memory, x, entry), {"y": ops.layernorm(x, entry)}, 3)


ROOTS = """
#include "norm/standardise.h"

/* The first value of 31 or 32 bits next to a square whose root is wrong; 0 for none. */
uint32_t wrong_root(void)
{
    for (uint32_t root = 1 << 15; root < 1 << 16; root++) {
        uint32_t square = root * root;

        if (square_root(square) != root)
            return square;
        if (square_root(square + root) != root)
            return square + root;
        if (square_root(square + 2 * root) != root)
            return square + 2 * root;
    }
    return 0;
}
"""


def test_every_square_root(tmp_path):
    """At each square, right below the next one, and between them."""
    (tmp_path / "roots.c").write_text(ROOTS)
    flags = [flag for flag in FLAGS if flag != "-Werror"]
    includes = [f"-I{folder}" for folder in (INCLUDE, KERNELS)]
    run_compiler([*flags, *includes, "roots.c", "-o", "roots.so"], tmp_path, "roots.c")
    assert ctypes.CDLL(str(tmp_path / "roots.so")).wrong_root() == 0


def test_nonorm_in_place():
    rng = np.random.default_rng(5)
    x = draw(rng, (7, 11), "int8")
    entry = draw_entry(rng, 11)
    for target in ("host", "iss"):
        memory = Memory(rng)
        job = nonorm(memory, x, entry)
        job.values["y"], job.values["y_stride"] = job.values["x"], job.values["x_stride"]
        job.results["y"] = job.values["x"]
        agree(target, memory, job, {"y": ops.nonorm(x, entry)}, 2)


STATISTICS, INNER, DRIVER = (
    f"norm/{name}" for name in ("standardise.h", "four_columns.h", "layernorm.c")
)
BUGS = {
    "the upper halves": (STATISTICS, '[upper] "r"(1 << 16)', '[upper] "r"(1)'),
    "the sum twice": (STATISTICS, "sums.low - (uint64_t)(int32_t)sums.sum", "sums.low"),
    "elements behind words": (STATISTICS, "sums.sum += (uint32_t)*x;", "(void)0;"),
    "a step of the root": (STATISTICS, "root - (root * root > value)", "root + 40"),
    "the largest reciprocal": (
        STATISTICS,
        "reciprocal = (1u << PRECISION) - 1;",
        "reciprocal = 1;",
    ),
    "small variances": (STATISTICS, "e < 13 ? 13 - e : 0", "e < 13 ? 12 - e : 0"),
    "nearly constant rows": (STATISTICS, "scale.factor <= INT16_MAX", "scale.factor"),
    "the halves of a word": (INNER, '"slli %[factor], %[factor], 16\\n"', '"nop\\n"'),
    "the next row's factor": (
        INNER,
        '"cv.lw %[factor], (%[scale]), 4\\n" PACK(3)',
        '"nop\\n" PACK(3)',
    ),
    "rounding": (INNER, 'zero, 1\\n"', 'zero, 2\\n"'),
    "one instruction less": (
        INNER,
        "FOUR_COLUMNS(35, EACH(ROUND) EACH(M",
        "FOUR_COLUMNS(34, EACH(ROUND) EACH(M",
    ),
    "sums beyond 32 bits": (DRIVER, "(sum | offset |", "(sum & offset &"),
    "the half of heed.rq": (
        DRIVER,
        "low - ((1u << (shift & HEED_PARAMETER_SHIFT_MASK)) >> 1)",
        "low",
    ),
    "the last columns": (DRIVER, "for (; c < columns; c++)", "for (; c + 1 < columns; c++)"),
    "rows of a block": (DRIVER, "row += BLOCK", "row += BLOCK + 1"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(tmp_path, bug):
    def cases(seed):
        return layernorm_case(seed, 3 + 23 * (seed % 3), 17 + 8 * seed)

    assert finds_bug(tmp_path, "heed_layernorm", [DRIVER], BUGS[bug], cases, 20)


CORE_BUGS = {
    "the bias counts twice": (DRIVER, "(int32_t)((uint32_t)bias << 1) : bias", "bias : bias"),
    "large biases": (DRIVER, "(bias >> 29 ^ bias >> 31)", "(bias & 0)"),
    "a lane": (INNER, "last(3) PACK(2)", "last(3) PACK(1)"),
}


@pytest.mark.parametrize("bug", CORE_BUGS)
def test_planted_bugs_of_the_core_form_are_found(tmp_path, bug):
    def cases(seed):
        return core_case(seed, 5, 21)

    kernel = "heed_layernorm_core"
    assert finds_bug(tmp_path, kernel, [DRIVER], CORE_BUGS[bug], cases, 20)
