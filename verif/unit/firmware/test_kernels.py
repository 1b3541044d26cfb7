"""The firmware's kernels, compiled for this computer, against the reference's operators."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.flow.layout import matrix
from heed.flow.parameters import parameter_bytes
from heed.toolchain.compiler import KERNELS as FOLDER
from heed.toolchain.host import host_kernels
from heed.toolchain.kernels import KERNELS
from sw_model import ops
from sw_model.ops import check

GUARD = 0xA5
sizes = st.integers(1, 40)
teams = st.integers(1, 9)
seeds = st.integers(0, 2**32 - 1)


def draw(rng, shape, dtype):
    """Random elements; now and then only the extremes."""
    low, high = check.LIMITS[dtype]
    if rng.random() < 0.2:
        return rng.choice([low, high], shape).astype(dtype)
    scale = rng.choice([1, 16, 256, high + 1])
    return rng.integers(max(low, -scale), min(high, scale) + 1, shape).astype(dtype)


def draw_entry(rng, size, residual=False):
    """Random entries; shifts fit the size of the sums so that not everything saturates."""
    fields = {
        "mul": rng.integers(-(2**16), 2**16, size),
        "add": rng.integers(-(2**47), 2**47, size) >> rng.integers(0, 48, size),
        "shift": rng.integers(0, 32, size),
    }
    if residual:
        fields["rmul"] = rng.integers(-(2**16), 2**16, size)
        fields["rsh"] = rng.integers(0, 64, size) >> rng.integers(0, 3, size)
    return ops.Entry(**fields)


class Memory:
    """Operands at random places of one buffer, everything else filled with a guard byte."""

    def __init__(self, rng):
        self.rng = rng
        self.parts = []
        self.size = 0

    def place(self, contents: bytes) -> int:
        self.size += 8 * int(self.rng.integers(1, 4))
        offset, self.size = self.size, self.size + len(contents)
        self.parts.append((offset, contents))
        return offset

    def place_matrix(self, values, pad=0):
        """Place rows with their stride widened by `pad`; returns offset, stride."""
        layout = matrix(values.shape, values.dtype.name)
        stride = layout.row_stride + pad
        raw = bytearray([GUARD]) * (stride * layout.rows)
        view = np.ndarray(values.shape, values.dtype, raw, 0, (stride, values.itemsize))
        view[...] = values
        return self.place(bytes(raw)), stride

    def build(self):
        raw = np.full(self.size + 64, GUARD, np.uint8)
        for offset, contents in self.parts:
            raw[offset : offset + len(contents)] = np.frombuffer(contents, np.uint8)
        return raw


def run(memory, kernel, pointers, numbers, harts):
    """Run a kernel on the memory; returns the memory before and after."""
    raw = memory.build()
    before = raw.copy()
    fields = {name: raw.ctypes.data + offset for name, offset in pointers.items()}
    host_kernels().call(kernel, fields | numbers, harts)
    return before, raw


def agree(before, after, offset, stride, wanted):
    """The result is as wanted and not one other byte was written."""
    view = np.ndarray(wanted.shape, wanted.dtype, before, offset, (stride, wanted.itemsize))
    view[...] = wanted
    assert np.array_equal(before, after)


def result(memory, shape, dtype, pad):
    blank = np.frombuffer(bytes([GUARD]) * int(np.prod(shape)) * np.dtype(dtype).itemsize, dtype)
    return memory.place_matrix(blank.reshape(shape), pad)


@settings(deadline=None)
@given(rows=sizes, columns=sizes, harts=teams, seed=seeds)
def test_layernorm(rows, columns, harts, seed):
    rng = np.random.default_rng(seed)
    x = draw(rng, (rows, columns), "int16")
    entry = ops.Entry(
        mul=rng.integers(-(2**16), 2**16, columns),
        add=rng.integers(-(2**47), 2**47, columns) >> rng.integers(16, 48, columns),
        shift=rng.integers(0, 32, columns),
    )
    memory = Memory(rng)
    at_x, x_stride = memory.place_matrix(x, 8 * int(rng.integers(0, 3)))
    at_y, y_stride = result(memory, x.shape, "int8", 8 * int(rng.integers(0, 3)))
    entries = memory.place(parameter_bytes(entry, columns))
    numbers = {"x_stride": x_stride, "y_stride": y_stride, "rows": rows, "columns": columns}
    pointers = {"x": at_x, "y": at_y, "entries": entries}
    before, after = run(memory, "heed_layernorm", pointers, numbers, harts)
    agree(before, after, at_y, y_stride, ops.layernorm(x, entry))


@pytest.mark.parametrize("columns", [1, 2, 3, 384, 1023, 4096])
@pytest.mark.parametrize("kind", ["extremes", "constant", "one off", "random", "small"])
def test_layernorm_wide_rows(columns, kind):
    """Exact statistics at the widest rows and the smallest and largest variance."""
    rng = np.random.default_rng(columns)
    x = {
        "extremes": np.where(np.arange(columns) % 2, 32767, -32768),
        "constant": np.full(columns, -32768),
        "one off": np.where(np.arange(columns) == columns // 2, 7, 6),
        "random": rng.integers(-32768, 32768, columns),
        "small": rng.integers(-3, 4, columns),
    }[kind][None, :].astype(np.int16)
    entry = ops.Entry(
        mul=np.full(columns, 811), add=np.full(columns, -5000), shift=np.full(columns, 13)
    )
    memory = Memory(rng)
    at_x, x_stride = memory.place_matrix(x)
    at_y, y_stride = result(memory, x.shape, "int8", 0)
    entries = memory.place(parameter_bytes(entry, columns))
    numbers = {"x_stride": x_stride, "y_stride": y_stride, "rows": 1, "columns": columns}
    pointers = {"x": at_x, "y": at_y, "entries": entries}
    before, after = run(memory, "heed_layernorm", pointers, numbers, 1)
    agree(before, after, at_y, y_stride, ops.layernorm(x, entry))


@settings(deadline=None)
@given(
    rows=sizes, columns=sizes, harts=teams, b_type=st.sampled_from(["int8", "int16"]), seed=seeds
)
def test_add(rows, columns, harts, b_type, seed):
    rng = np.random.default_rng(seed)
    a, b = draw(rng, (rows, columns), "int16"), draw(rng, (rows, columns), b_type)
    entry = draw_entry(rng, 1, residual=True)
    memory = Memory(rng)
    at_a, a_stride = memory.place_matrix(a)
    at_b, b_stride = memory.place_matrix(b, 8 * int(rng.integers(0, 3)))
    at_y, y_stride = result(memory, a.shape, "int16", 8 * int(rng.integers(0, 3)))
    pointers = {"a": at_a, "b": at_b, "y": at_y, "entry": memory.place(parameter_bytes(entry, 1))}
    numbers = {
        "a_stride": a_stride,
        "b_stride": b_stride,
        "y_stride": y_stride,
        "b_bytes": b.itemsize,
        "rows": rows,
        "columns": columns,
    }
    before, after = run(memory, "heed_add", pointers, numbers, harts)
    agree(before, after, at_y, y_stride, ops.add(a, b, entry))


@settings(deadline=None)
@given(
    down=st.integers(1, 5),
    across=st.integers(1, 5),
    patch=st.integers(1, 5),
    columns=sizes,
    harts=teams,
    seed=seeds,
)
def test_patch_embed(down, across, patch, columns, harts, seed):
    rng = np.random.default_rng(seed)
    image = draw(rng, (down * patch, across * patch), "int8")
    weight = draw(rng, (columns, patch * patch), "int8")
    position = draw(rng, (down * across, columns), "int16")
    entry = draw_entry(rng, columns, residual=True)
    memory = Memory(rng)
    at_image, image_stride = memory.place_matrix(image)
    at_weight, weight_stride = memory.place_matrix(weight)
    at_position, position_stride = memory.place_matrix(position)
    at_y, y_stride = result(memory, position.shape, "int16", 8 * int(rng.integers(0, 3)))
    pointers = {
        "image": at_image,
        "weight": at_weight,
        "position": at_position,
        "y": at_y,
        "entries": memory.place(parameter_bytes(entry, columns)),
    }
    numbers = {
        "image_stride": image_stride,
        "weight_stride": weight_stride,
        "position_stride": position_stride,
        "y_stride": y_stride,
        "height": image.shape[0],
        "width": image.shape[1],
        "patch": patch,
        "columns": columns,
    }
    before, after = run(memory, "heed_patch_embed", pointers, numbers, harts)
    wanted = ops.patch_embed(image, weight, position, entry, patch)
    agree(before, after, at_y, y_stride, wanted)


@settings(deadline=None)
@given(rows=sizes, columns=sizes, harts=teams, seed=seeds)
def test_mean_pool(rows, columns, harts, seed):
    rng = np.random.default_rng(seed)
    x = draw(rng, (rows, columns), "int8")
    entry = draw_entry(rng, 1)
    memory = Memory(rng)
    at_x, x_stride = memory.place_matrix(x, 8 * int(rng.integers(0, 3)))
    at_y, y_stride = result(memory, (1, columns), "int8", 0)
    pointers = {"x": at_x, "y": at_y, "entry": memory.place(parameter_bytes(entry, 1))}
    numbers = {"x_stride": x_stride, "rows": rows, "columns": columns}
    before, after = run(memory, "heed_mean_pool", pointers, numbers, harts)
    agree(before, after, at_y, y_stride, ops.mean_pool(x, entry))


@pytest.mark.parametrize("kernel", KERNELS)
def test_job_structures_are_those_of_the_header(kernel):
    """Same fields, types and order: ctypes has no other way to know."""
    header = re.sub(r"/\*.*?\*/", "", (FOLDER / "heed_kernels.h").read_text(), flags=re.DOTALL)
    body = re.search(rf"struct {kernel} {{(.*?)}};", header, re.DOTALL)[1]
    fields = {}
    for line in filter(None, (line.strip() for line in body.split(";"))):
        kind, names = re.fullmatch(r"(.*?[ *])(\w+(?:, \w+)*)", line).groups()
        fields |= {name: kind.strip() for name in names.split(", ")}
    assert list(fields.items()) == list(KERNELS[kernel].items())
