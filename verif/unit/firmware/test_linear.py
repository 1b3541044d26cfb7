"""The linear kernel on this computer, on the simulator and on the RTL, against the reference."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heed.simulator import Simulator
from heed.simulator.iss import IssSimulator
from heed.toolchain import compile, compiler, symbols
from heed.toolchain.compiler import KERNELS
from heed.toolchain.host import host_kernels
from heed.toolchain.kernels import KERNELS as KERNEL_FIELDS
from heed.toolchain.kernels import CoreEntries
from hw.config import CoreConfig
from hw.presets import TINY
from sw_model import ops

GUARD = 0xA5
SPACE = 60_000
"""Bytes for the operands of a job."""

MAIN = f"""
    #include "heed/hart.h"
    #include "heed_kernels.h"
    uint8_t space[{SPACE}] __attribute__((section(".tcdm"), aligned(8))) = {{1}};
    struct heed_linear job __attribute__((section(".tcdm"))) = {{.rows = 1}};
    int main(void)
    {{
        heed_linear(&job, (struct heed_team){{heed_hart_id(), heed_harts()}});
        return 0;
    }}
    """


@dataclass(frozen=True)
class Job:
    """Operands of a job at random places of one buffer, everything else a guard byte."""

    raw: np.ndarray
    pointers: dict[str, int]
    numbers: dict[str, int]
    wanted: np.ndarray

    def fields(self, base):
        return {name: base + at for name, at in self.pointers.items()} | self.numbers

    def check(self, found):
        """The result is as wanted and not one other byte was written."""
        expected = self.raw.copy()
        stride = self.numbers["y_stride"]
        view = np.ndarray(
            self.wanted.shape, self.wanted.dtype, expected, self.pointers["y"], (stride, 1)
        )
        view[...] = self.wanted
        wrong = np.flatnonzero(expected != np.frombuffer(found, np.uint8))
        assert not wrong.size, (self.numbers, self.pointers["y"], wrong[:8])


def make_job(seed, rows, columns, inner, x_unsigned, y_unsigned):
    """Random values; some are only extremes, and scales fit the sums more or less."""
    rng = np.random.default_rng(seed)
    raw = np.full(SPACE, GUARD, np.uint8)
    at = 0

    def place(values, align=4):
        nonlocal at
        stride = -(-values.shape[1] // align) * align + align * int(rng.integers(0, 4))
        at += 8 * int(rng.integers(1, 4)) + 4 * int(rng.integers(0, 2))
        start, at = at, -(-(at + stride * values.shape[0]) // 8) * 8
        assert at <= SPACE
        np.ndarray(values.shape, values.dtype, raw, start, (stride, 1))[...] = values
        return start, stride

    def draw(shape, low, high):
        if rng.random() < 0.2:
            return rng.choice([low, high], shape)
        return rng.integers(low, high + 1, shape)

    x = draw((rows, inner), *((0, 255) if x_unsigned else (-128, 127)))
    x = x.astype(np.uint8 if x_unsigned else np.int8)
    w = draw((columns, inner), -128, 127).astype(np.int8)
    entries = CoreEntries(
        bias=rng.integers(-(2**29), 2**29, columns) >> rng.integers(0, 30, columns),
        mul=rng.integers(0, 2**16, columns) >> rng.integers(0, 16, columns),
        shift=rng.integers(0, 32, columns),
        zero=rng.integers(-128, 128, columns),
    )
    wanted = ops.linear(x, w, entries.entry, "uint8" if y_unsigned else "int8")
    at_x, x_stride = place(x)
    at_w, w_stride = place(w)
    at_entries, _ = place(np.frombuffer(entries.bytes(), np.uint8).reshape(1, -1))
    at_y, y_stride = place(np.full((rows, columns), GUARD, np.uint8))
    pointers = {"x": at_x, "w": at_w, "entries": at_entries, "y": at_y}
    numbers = {
        "x_stride": x_stride,
        "w_stride": w_stride,
        "y_stride": y_stride,
        "rows": rows,
        "columns": columns,
        "inner": inner,
        "x_unsigned": int(x_unsigned),
        "y_unsigned": int(y_unsigned),
    }
    return Job(raw, pointers, numbers, wanted)


jobs = st.builds(
    make_job,
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 19),
    columns=st.integers(1, 19),
    inner=st.integers(1, 80),
    x_unsigned=st.booleans(),
    y_unsigned=st.booleans(),
)


def on_host(job, harts):
    raw = np.zeros(SPACE + 8, np.uint8)
    skip = -raw.ctypes.data % 8
    raw = raw[skip : skip + SPACE]
    raw[...] = job.raw
    host_kernels().call("heed_linear", job.fields(raw.ctypes.data), harts)
    return raw.tobytes()


class Target:
    """The kernel compiled for a cluster, and a simulator of it."""

    def __init__(self, folder, config, simulator):
        source = folder / "main.c"
        source.write_text(MAIN)
        self.elf = compile([source, compiler.KERNELS / "linear.c"], config=config)
        self.names = symbols(self.elf)
        self.simulator = simulator

    def run(self, job, harts):
        """Memory after the run; `cycles` has its length."""
        space = self.names["space"]
        fields = job.fields(space)
        words = np.array([fields[name] for name in KERNEL_FIELDS["heed_linear"]], "<u4")
        result = self.simulator.run(
            self.elf,
            harts=harts,
            loads=[(space, job.raw.tobytes()), (self.names["job"], words.tobytes())],
            dumps=[(space, SPACE)],
        )
        assert result.status == 0, result.trap
        self.cycles = result.cycles
        return result.dumps[0]


@pytest.fixture(scope="module")
def iss(tmp_path_factory):
    return Target(tmp_path_factory.mktemp("iss"), TINY, IssSimulator(TINY))


@settings(deadline=None)
@given(job=jobs, harts=st.integers(1, 9))
def test_on_this_computer(job, harts):
    job.check(on_host(job, harts))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(job=jobs, harts=st.integers(1, 2))
def test_on_the_simulator(iss, job, harts):
    job.check(iss.run(job, harts))


@pytest.mark.parametrize("inner", [1, 2, 3, 4, 5, 64, 127, 192, 1023])
@pytest.mark.parametrize("x_unsigned", [False, True])
def test_inner_sizes_with_extreme_values(iss, inner, x_unsigned):
    """Whole and part blocks of both; sums of the largest products."""
    for seed in range(3):
        job = make_job(seed, 7, 9, inner, x_unsigned, bool(seed % 2))
        job.check(iss.run(job, 2))
        job.check(on_host(job, 3))


@pytest.mark.parametrize("left_out", ["xcv_hwlp", "xcv_mem", "xcv_simd", "xheed", "everything"])
def test_on_smaller_cores(tmp_path, left_out):
    core = CoreConfig.of("m") if left_out == "everything" else CoreConfig(**{left_out: False})
    config = replace(TINY, core=core)
    target = Target(tmp_path, config, IssSimulator(config))
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sizes = map(int, rng.integers(1, 14, 3))
        job = make_job(seed, *sizes, bool(seed & 1), bool(seed & 2))
        job.check(target.run(job, 2))


@pytest.mark.parametrize("seed", range(6))
def test_on_the_rtl(tmp_path, seed):
    """A sample, whole blocks and the edges, on one and on two harts."""
    target = Target(tmp_path, TINY, Simulator.build(TINY))
    rng = np.random.default_rng(seed)
    rows, columns = map(int, rng.integers(1, 14, 2))
    job = make_job(seed, rows, columns, int(rng.integers(1, 40)), bool(seed & 1), bool(seed & 2))
    job.check(target.run(job, 1 + seed // 3))


BUGS = {
    "a row of the block": (
        "block.h",
        '"cv.lw %[x0], (%[x]), %[x_down]\\n" BLOCK_ROW(dot, 1, x1)',
        '"cv.lw %[x0], (%[x]), %[x_next]\\n" BLOCK_ROW(dot, 1, x1)',
    ),
    "one instruction less": ("block.h", 'XCV_LOOP(0, "%[w0]", 24)', 'XCV_LOOP(0, "%[w0]", 23)'),
    "bytes behind a row": ("block.h", "*row_at(x, i) & mask", "*row_at(x, i) | !mask"),
    "bytes behind the last row": ("block.h", "(*x & ((1u << 8 * (inner % 4)) - 1)", "(*x"),
    "signs": ("linear.c", "(struct kind){true, false}", "(struct kind){false, false}"),
    "a lane": ("linear.c", "REQUANTISE(2, 1)", "REQUANTISE(3, 1)"),
    "clipping": ("linear.c", "REQUANTISE(1, 0)", "REQUANTISE(1, 1)"),
    "the share": ("linear.c", "row = share.first % down * BLOCK", "row = 0"),
    "the last rows": ("linear.c", "whole ? minimum(row, job->rows - BLOCK) : row", "row"),
    "the last columns": (
        "linear.c",
        "whole ? minimum(column, job->columns - BLOCK) : column",
        "whole ? minimum(column, job->columns - BLOCK - 1) : column",
    ),
    "bytes of a word": ("linear.c", "bytes[i] >> 8 * j", "bytes[i] >> 4 * j"),
    "the next column": ("linear.c", "column += BLOCK;", "column += BLOCK - 1;"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(tmp_path, monkeypatch, bug):
    file, right, wrong = BUGS[bug]
    for source in KERNELS.glob("*.[ch]"):
        text = source.read_text()
        if source.name == file:
            assert text.count(right) == 1
            text = text.replace(right, wrong)
        (tmp_path / source.name).write_text(text)
    monkeypatch.setattr(compiler, "KERNELS", tmp_path)
    target = Target(tmp_path, TINY, IssSimulator(TINY))
    found = 0
    for (rows, columns), inner, seed in product(((13, 10), (13, 12), (3, 5)), (16, 19), range(4)):
        job = make_job(seed, rows, columns, inner, bool(seed & 1), bool(seed & 2))
        try:
            job.check(target.run(job, 2))
        except AssertionError:
            found += 1
    assert found


def test_the_inner_loop_is_24_instructions(iss):
    """8 loads and 16 dot products; the estimate of cycles counts nothing else in it."""
    cycles = []
    for inner in (40, 80):
        job = make_job(1, 4, 4, inner, False, False)
        job.check(iss.run(job, 1))
        cycles.append(iss.cycles)
    assert cycles[1] - cycles[0] == 10 * 24
