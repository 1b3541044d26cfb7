"""The pooling kernels on this computer, on the simulator and on the RTL, against the model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.errors import HeedError
from heed.kernels import Memory, convolution
from heed.toolchain.kernels import CoreEntries
from sw_model import ops
from verif.lib.kernel_check import agree
from verif.lib.kernel_operands import run_case, small_program, without

LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}


def draw_case(seed, kind, *, channels=None, pixel_align=0):
    """Memory, job and result of `kind`, "max" or "average"; what is not given is random."""
    rng = np.random.default_rng(seed)

    def number(low, high):
        return int(rng.integers(low, high + 1))

    x_type, y_type = rng.choice(["int8", "uint8"], 2)
    window = (number(1, 4), number(1, 4))
    options = {
        "stride": None if rng.random() < 0.3 else (number(1, 3), number(1, 4)),
        "padding": tuple(number(0, n - 1 if kind == "max" else n + 1) for n in window * 2),
    }
    size = [
        max(1, window[axis] - options["padding"][axis] - options["padding"][axis + 2])
        + number(0, 5)
        for axis in (0, 1)
    ]
    channels = channels or (4 * number(1, 10) if rng.random() < 0.5 else number(1, 40))
    low, high = LIMITS[x_type]
    x = rng.integers(low, high + 1, (number(1, 2), *size, channels)).astype(x_type)
    memory = Memory(rng if rng.random() < 0.7 else None)
    align = [None, 1, 4][number(0, 2)] if pixel_align == 0 else pixel_align
    if kind == "max":
        job = convolution.max_pool(memory, x, window, **options, pixel_align=align)
        return memory, job, ops.max_pool(x, window, **options)
    entry = CoreEntries(
        bias=rng.integers(-2000, 2000, 1),
        mul=rng.integers(1, 2**16, 1),
        shift=rng.integers(13, 19, 1),
        zero=rng.integers(-128, 128, 1),
    )
    options["pad_value"] = number(low, high)
    job = convolution.average_pool(memory, x, window, entry, y_type, **options, pixel_align=align)
    return memory, job, ops.average_pool(x, window, entry.entry, y_type, **options)


def run(target, case, harts):
    memory, job, wanted = case
    agree(target, memory, job, {"y": wanted}, harts)


kinds = pytest.mark.parametrize("kind", ["max", "average"])
seeds = st.integers(0, 2**32 - 1)


@kinds
@settings(deadline=None, max_examples=150)
@given(seed=seeds, harts=st.integers(1, 9))
def test_on_this_computer(kind, seed, harts):
    run("host", draw_case(seed, kind), harts)


@kinds
@settings(deadline=None, max_examples=15)
@given(seed=seeds, harts=st.integers(1, 2))
def test_on_the_simulator(kind, seed, harts):
    run("iss", draw_case(seed, kind), harts)


@kinds
@pytest.mark.parametrize("channels", [1, 3, 4, 13, 16, 32, 37])
def test_channels_in_words_and_in_bytes(kind, channels):
    for seed in range(3):
        for align in (1, 4):
            run("iss", draw_case(seed, kind, channels=channels, pixel_align=align), 2)


@kinds
def test_on_the_rtl(kind):
    for seed in range(3):
        run("rtl", draw_case(seed, kind), 2)
    run("rtl", draw_case(5, kind, channels=21, pixel_align=4), 2)


KERNELS = ("heed_max_pool", "heed_average_pool")
SOURCES = ("convolution/pool.c",)


def as_case(drawn):
    memory, job, wanted = drawn
    return memory, job, {"y": wanted}


@pytest.mark.parametrize("left_out", ["xcv_mem", "xcv_simd", "xheed", "everything"])
def test_on_smaller_cores(tmp_path, left_out):
    program = small_program(tmp_path, KERNELS, SOURCES, without(left_out))
    for seed in range(6):
        run_case(program, as_case(draw_case(seed, ("max", "average")[seed % 2])), 2)


BUGS = {
    "a word": ("lw %[b], 8(%[x])", "lw %[b], 4(%[x])"),
    "signs of words": ('LARGEST_ASM("cv.maxu.b")', 'LARGEST_ASM("cv.max.b")'),
    "the next pixel": ("cv.lw %[a], (%[x]), %[step]", "cv.lw %[a], (%[x]), 4"),
    "a byte of four": ('[one2] "r"(1 << 16)', '[one2] "r"(1 << 8)'),
    "signs of sums": ('ADD_ASM("cv.sdotusp.b")', 'ADD_ASM("cv.sdotsp.b")'),
    "signs of bytes": (
        "int32_t value = is_unsigned ? (uint8_t)*x : *x;",
        "int32_t value = *x;",
    ),
    "the top": ("clip((int32_t)(pad - start), 0, most)", "0"),
    "the bottom": ("(int32_t)(size + pad - start)", "(int32_t)(size + pad)"),
    "the next row": (
        "ROW(x, 1, behind_row))\n            x = larger",
        "ROW(x, 2, behind_row))\n            x = larger",
    ),
    "pad values": ("(int32_t)padded * pad_value", "(int32_t)padded - pad_value"),
    "the share": (".tile = share.first % tiles,", ".tile = 0,"),
    "the next image": ("walk->image++;", ""),
    "few channels": ("channels < pool->tile ?", "channels > pool->tile ?"),
    "clipping": (
        "averages(&pool, &window, sum, entry.rq, false, y_unsigned)",
        "averages(&pool, &window, sum, entry.rq, false, false)",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(tmp_path, bug):
    edit = (SOURCES[0], *BUGS[bug])
    program = small_program(tmp_path, KERNELS, SOURCES, bug=edit)
    with pytest.raises(HeedError):
        for seed in range(60):
            case = as_case(draw_case(seed, ("max", "average")[seed % 2]))
            run_case(program, case, 1 + seed // 2 % 2)
