"""The convolution kernels on this computer, on the simulator and on the RTL, against the model."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.errors import HeedError
from heed.kernels import Job, Memory, convolution
from heed.toolchain import compiler
from heed.toolchain.kernels import CoreEntries
from sw_model import ops
from verif.lib.kernel_check import agree
from verif.lib.kernel_operands import run_case, small_program, without

LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}


@dataclass(frozen=True)
class Case:
    """A job, its memory and its result."""

    memory: Memory
    job: Job
    wanted: np.ndarray

    def run(self, target, harts):
        return agree(target, self.memory, self.job, {"y": self.wanted}, harts)


def draw(rng, shape, dtype):
    low, high = LIMITS[dtype]
    if rng.random() < 0.15:
        return rng.choice([low, high], shape).astype(dtype)
    return rng.integers(low, high + 1, shape).astype(dtype)


def draw_entries(rng, count):
    """Random ones, most of which do not saturate everything."""
    return CoreEntries(
        bias=rng.integers(-(2**24), 2**24, count) >> rng.integers(0, 24, count),
        mul=rng.integers(1, 2**16, count),
        shift=rng.integers(18, 27, count),
        zero=rng.integers(-128, 128, count),
    )


def draw_case(seed, kind, harts, *, channels=None, outputs=None, **given):
    """Return a job of `kind`, "conv2d" or "depthwise"; what is not given is random.

    Parameters
    ----------
    channels, outputs
        Of a group.
    given
        Size, kernel, groups; options of the operator and of the builder.
    """
    rng = np.random.default_rng(seed)

    def number(low, high):
        return int(rng.integers(low, high + 1))

    x_type, y_type = rng.choice(["int8", "uint8"], 2)
    groups = number(1, 3) if rng.random() < 0.4 else 1
    if channels is None:
        channels = 4 * number(1, 4) if rng.random() < 0.4 else number(1, 9)
    outputs = outputs or (4 * number(1, 3) if rng.random() < 0.4 else number(1, 10))
    options = {
        "stride": (number(1, 2), number(1, 3)),
        "dilation": (number(1, 2), number(1, 2)),
        "padding": tuple(number(0, 2) for _ in range(4)) if rng.random() < 0.6 else (0, 0, 0, 0),
        "pad_value": number(*LIMITS[x_type]),
        "pool": (number(1, 2), number(1, 3)) if rng.random() < 0.5 else (1, 1),
    }
    tall = 6 if kind == "depthwise" else 3
    kernel = given.pop("kernel", (1 if rng.random() < 0.3 else number(1, tall), number(1, 4)))
    groups = given.pop("groups", groups)
    size = given.pop("size", None)
    options |= given
    if size is None:
        size = []
        for axis in (0, 1):
            seen = (kernel[axis] - 1) * options["dilation"][axis] + 1
            if kind == "conv2d":
                seen += (options["pool"][axis] - 1) * options["stride"][axis]
            padding = options["padding"][axis] + options["padding"][axis + 2]
            size.append(max(1, seen - padding) + number(0, 3 + 4 * axis))
    x = draw(rng, (number(1, 2), *size, groups * channels), x_type)
    memory = Memory(rng if rng.random() < 0.7 else None)
    align = [None, 1, 4][number(0, 2)]
    place = {"harts": harts, "pixel_align": options.pop("pixel_align", align)}
    if kind == "depthwise":
        del options["pool"]
        weight = draw(rng, (x.shape[3], *kernel), "int8")
        entries = draw_entries(rng, x.shape[3])
        job = convolution.depthwise(memory, x, weight, entries, y_type, **options, **place)
        return Case(memory, job, ops.depthwise(x, weight, entries.entry, y_type, **options))
    weight = draw(rng, (groups * outputs, *kernel, channels), "int8")
    entries = draw_entries(rng, groups * outputs)
    options["groups"] = groups
    job = convolution.conv2d(memory, x, weight, entries, y_type, **options, **place)
    return Case(memory, job, ops.conv2d(x, weight, entries.entry, y_type, **options))


kinds = pytest.mark.parametrize("kind", ["conv2d", "depthwise"])
seeds = st.integers(0, 2**32 - 1)


@kinds
@settings(deadline=None, max_examples=150)
@given(seed=seeds, harts=st.integers(1, 9))
def test_on_this_computer(kind, seed, harts):
    draw_case(seed, kind, harts).run("host", harts)


@kinds
@settings(deadline=None, max_examples=15)
@given(seed=seeds, harts=st.integers(1, 2))
def test_on_the_simulator(kind, seed, harts):
    draw_case(seed, kind, harts).run("iss", harts)


SHAPES = {
    "two channels, pooled": {
        "kind": "conv2d", "size": (9, 33), "channels": 2, "outputs": 8, "kernel": (3, 5),
        "pool": (3, 5), "groups": 1, "dilation": (1, 1), "pixel_align": None,
    },
    "whole words, padded": {
        "kind": "conv2d", "size": (5, 6), "channels": 8, "outputs": 8, "kernel": (3, 3),
        "padding": (1, 1, 1, 1),
    },
    "in place": {
        "kind": "conv2d", "size": (3, 9), "channels": 4, "outputs": 8, "kernel": (1, 3),
        "padding": (0, 0, 0, 0), "stride": (1, 1), "dilation": (1, 1), "groups": 1,
    },
    "few outputs of groups": {
        "kind": "conv2d", "size": (5, 5), "channels": 3, "outputs": 2, "kernel": (2, 2),
        "groups": 4,
    },
    "5 steps of time": {
        "kind": "conv2d", "size": (1, 5), "channels": 32, "outputs": 32, "kernel": (1, 2),
        "dilation": (1, 2), "padding": (0, 2, 0, 0), "groups": 1, "stride": (1, 1), "pool": (1, 1),
    },
    "depthwise": {
        "kind": "depthwise", "size": (6, 7), "channels": 9, "kernel": (3, 3),
        "padding": (1, 1, 1, 1),
    },
    "depthwise, words": {
        "kind": "depthwise", "size": (6, 7), "channels": 8, "kernel": (3, 3), "groups": 1,
        "stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 1, 1),
    },
    "depthwise, two bands": {
        "kind": "depthwise", "size": (9, 25), "channels": 4, "kernel": (5, 3), "groups": 1,
        "stride": (1, 1),
    },
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_networks(shape):
    for seed in range(4):
        draw_case(seed, harts=5, **SHAPES[shape]).run("host", 5)
        draw_case(seed, harts=2, **SHAPES[shape]).run("iss", 1 + seed % 2)


@pytest.mark.parametrize("shape", SHAPES)
def test_on_the_rtl(shape):
    draw_case(7, harts=2, **SHAPES[shape]).run("rtl", 2)


@kinds
def test_odd_sizes_on_the_rtl(kind):
    for seed in range(3):
        draw_case(seed, kind, 2).run("rtl", 2)


def test_the_scratch_is_what_the_header_says():
    """The formulas of the header, read as Python."""
    text = (compiler.KERNELS / "convolution" / "convolution.h").read_text()
    for name, mine in (
        ("heed_conv2d_scratch", convolution.conv2d_scratch),
        ("heed_depthwise_scratch", convolution.depthwise_scratch),
    ):
        head, body = text.split(f"{name}(")[1].split("{")[:2]
        names = [part.split()[-1].strip(")") for part in head.split(",")]
        lines = body.split("}")[0].replace("~3u", "~3").replace("/", "//").split(";")
        lines = [" ".join(line.split()).removeprefix("uint32_t ") for line in lines]
        for sizes in np.random.default_rng(0).integers(1, 20, (20, len(names))).tolist():
            values = dict(zip(names, sizes, strict=True))
            exec("\n".join(lines).replace("return ", "result = "), values)
            assert values["result"] == mine(*sizes)


def test_time_is_a_row():
    rng = np.random.default_rng(3)
    x, weight = draw(rng, (2, 9, 5), "int8"), draw(rng, (6, 3, 5), "int8")
    entries = draw_entries(rng, 6)
    options = {"stride": 2, "dilation": 2, "padding": (4, 0), "pad_value": 7, "pool": 2}
    memory = Memory(rng)
    job = convolution.conv1d(memory, x, weight, entries, "uint8", harts=3, **options)
    wanted = ops.conv1d(x, weight, entries.entry, "uint8", **options)
    agree("host", memory, job, {"y": wanted[:, None]}, 3)


KERNELS = ("heed_conv2d", "heed_depthwise")
SOURCES = ("convolution/conv2d.c", "convolution/depthwise.c")


def run_on(program, case):
    run_case(program, (case.memory, case.job, {"y": case.wanted}), 2)


@pytest.mark.parametrize("left_out", ["xcv_hwlp", "xcv_mem", "xcv_simd", "xheed", "everything"])
def test_on_smaller_cores(tmp_path, left_out):
    program = small_program(tmp_path, KERNELS, SOURCES, without(left_out))
    for seed in range(4):
        run_on(program, draw_case(seed, ("conv2d", "depthwise")[seed % 2], 2))
    for shape in ("in place", "few outputs of groups", "depthwise, words"):
        run_on(program, draw_case(1, harts=2, **SHAPES[shape]))


BUGS = {
    "an instruction less": ("stretch.h", 'XCV_LOOP(0, "t1", 24)', 'XCV_LOOP(0, "t1", 23)'),
    "the next block's weights": ("stretch.h", "BLOCK * w_stride - 4 * words", "BLOCK * w_stride"),
    "the next block's entries": ("stretch.h", "addi gp, gp, 32", "addi gp, gp, 8"),
    "an entry": ("stretch.h", "lw t2, 20(gp)", "lw t2, 12(gp)"),
    "signs of the pool": ("stretch.h", 'LARGER("cv.maxu.b")', 'LARGER("cv.max.b")'),
    "a pixel of the pool": ("stretch.h", "cv.lw a3, tp(t2)", "cv.lw a3, tp(t1)"),
    "clipping": (
        "stretch.h",
        'STRETCH_ASM(D, "", STRETCH_BODY, 1)',
        'STRETCH_ASM(D, "", STRETCH_BODY, 0)',
    ),
    "signs": ("stretch.h", "STRETCH_CASES(DOT_1)", "STRETCH_CASES(DOT_0)"),
    "half words": ("pieces.h", 'COPY_LOOPS("lhu", "sh", 2)', 'COPY_LOOPS("lhu", "sb", 2)'),
    "between two pieces": ("pieces.h", "add %[s2], %[s2], %[skip]", "add %[s2], %[s2], x0"),
    "the next row": ("patches.h", "copy.from[i] += back;", "copy.from[i] -= back;"),
    "joined rows": ("patches.h", "g->row_step - bytes), unit", "g->row_step), unit"),
    "inside at the bottom": ("patches.h", "top > most_top", "top > most_top + 1"),
    "inside on the right": ("patches.h", "left > most_left", "left > most_left + 1"),
    "padding at the top": ("patches.h", "patches[i].top + down", "patches[i].top"),
    "padding on the left": ("patches.h", "patches[i].left + right", "patches[i].left"),
    "the last pixels": ("patches.h", "    place->column = 0;\n", "    place->column++;\n"),
    "rows of padding": ("patches.h", "1, g->columns * g->piece", "1, g->piece"),
    "dilation": ("patches.h", "right += g->column_skip", "right++"),
    "ends of patches": (
        "conv2d.c",
        "plan->gather.to_stride) = 0;",
        "plan->gather.to_stride) += 0;",
    ),
    "pad values": ("conv2d.c", "pad_value * 0x01010101u", "pad_value * 0x00010101u"),
    "the last channels": ("conv2d.c", "channel, old, BLOCK, tile", "channel, 0, BLOCK - 1, tile"),
    "groups": ("conv2d.c", "part.base = group * outputs;", "part.base = 0;"),
    "the share": ("conv2d.c", "share.first % plan.blocks, 0}", "0, 0}"),
    "unequal distances": ("conv2d.c", "!= first + i * step", "== 0"),
    "a column of the kernel": (
        "depthwise.c",
        "TWO(dot, s4, s5, t2, t3, 4)",
        "TWO(dot, s4, s5, t2, t3, s0)",
    ),
    "the next band": (
        "depthwise.c",
        "band - (int32_t)job->kernel_width * step",
        "band - (int32_t)job->kernel_width * 16",
    ),
    "the next four": (
        "depthwise.c",
        "4 * stride - (int32_t)plan->bands * band",
        "4 * stride - band",
    ),
    "the second row": ("depthwise.c", "uint32_t row = 0u - shift;", "uint32_t row = 0u + shift;"),
    "columns on the left": ("depthwise.c", "clip(-left, 0, (int32_t)pixels)", "0"),
    "columns on the right": (
        "depthwise.c",
        "clip((int32_t)job->width - left, (int32_t)first, (int32_t)pixels)",
        "pixels",
    ),
    "rows above": ("depthwise.c", "(uint32_t)row < job->height", "row < (int32_t)job->height"),
    "the last channels, depthwise": (
        "depthwise.c",
        "c < plan->count; c++)\n                    y[c]",
        "c < 4; c++)\n                    y[c]",
    ),
    "turned bytes": ("turn.h", "0x07030602u", "0x07020602u"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(tmp_path, bug):
    file, right, wrong = BUGS[bug]
    edit = (f"convolution/{file}", right, wrong)
    program = small_program(tmp_path, KERNELS, SOURCES, bug=edit)
    with pytest.raises(HeedError):
        for shape in SHAPES.values():
            for seed in range(3):
                run_on(program, draw_case(seed, harts=2, **shape))
        for seed in range(40):
            run_on(program, draw_case(seed, ("conv2d", "depthwise")[seed % 2], 2))
