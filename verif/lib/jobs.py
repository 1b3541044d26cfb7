"""Random engine jobs in a TCDM image: operands placed without overlap, descriptors packed."""

from dataclasses import dataclass

import numpy as np

from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
    PARAMETER,
    ElementType,
    Kind,
    MaskMode,
    ParamMode,
)

DTYPES = {
    ElementType.INT8: np.dtype("<i1"),
    ElementType.UINT8: np.dtype("<u1"),
    ElementType.INT16: np.dtype("<i2"),
    ElementType.INT32: np.dtype("<i4"),
}


class Image:
    """A TCDM full of random bytes, from which areas are handed out once each.

    Parameters
    ----------
    config
        The cluster whose TCDM it is.
    rng
        Draws contents, gaps and strides.
    """

    def __init__(self, config: ClusterConfig, rng: np.random.Generator):
        self.config = config
        self.rng = rng
        self.memory = bytearray(rng.bytes(config.tcdm.bytes))
        self._next = 0

    def allocate(self, size: int, align: int = 8) -> int:
        """Return the address of `size` bytes that nobody else gets, after a small random gap."""
        start = -(-(self._next + 8 * int(self.rng.integers(4))) // align) * align
        if start + size > len(self.memory):
            raise ValueError(f"{size} bytes do not fit behind {start} of {len(self.memory)}")
        self._next = start + size
        return TCDM_BASE + start

    def put(self, address: int, raw: bytes) -> None:
        """Store bytes at an absolute address."""
        offset = address - TCDM_BASE
        self.memory[offset : offset + len(raw)] = raw

    def get(self, address: int, size: int) -> bytes:
        """Return bytes from an absolute address."""
        offset = address - TCDM_BASE
        return bytes(self.memory[offset : offset + size])

    def operand(self, name: str, heads: int, rows: int, size: int) -> dict[str, int]:
        """Place heads of rows of `size` bytes; return the descriptor's fields of the operand.

        Heads lie one after the other, or side by side in common rows; all with random gaps.
        """
        cell = -(-size // 8) * 8 + 8 * int(self.rng.integers(3))
        if self.rng.random() < 0.5:
            row_stride, head_stride = cell, cell * rows + 8 * int(self.rng.integers(3))
        else:
            row_stride, head_stride = cell * heads + 8 * int(self.rng.integers(3)), cell
        last = (heads - 1) * head_stride + (rows - 1) * row_stride
        base = self.allocate(last + size)
        strides = (row_stride, head_stride)
        return dict(zip((f"{name}_{part}" for part in _PARTS), (base, *strides), strict=True))


_PARTS = ("base", "row_stride", "head_stride")


@dataclass
class Job:
    """A job in an image, and what its operands hold.

    Parameters
    ----------
    fields
        Those of its descriptor.
    tensors
        Arrays [heads, rows, columns] by operand name, and entries and table of parameters.
    address
        Of its descriptor, once it was stored.
    """

    fields: dict[str, int]
    tensors: dict[str, np.ndarray]
    address: int = 0

    def store(self, image: Image, **changes: int) -> int:
        """Store the descriptor with `changes` to its fields in `image`; return its address."""
        self.fields |= changes
        self.address = self.address or image.allocate(DESCRIPTOR.bytes, DESCRIPTOR.bytes)
        image.put(self.address, DESCRIPTOR.pack(**self.fields))
        return self.address


def store_rows(image: Image, fields: dict[str, int], name: str, values: np.ndarray) -> None:
    """Store [heads, rows, columns] where operand `name` lies."""
    base, row_stride, head_stride = (fields[f"{name}_{part}"] for part in _PARTS)
    for head, rows in enumerate(values):
        for row, elements in enumerate(rows):
            image.put(base + head * head_stride + row * row_stride, elements.tobytes())


def load_rows(
    image: Image, fields: dict[str, int], name: str, shape: tuple[int, ...], dtype
) -> np.ndarray:
    """Return [heads, rows, columns] from where operand `name` lies."""
    base, row_stride, head_stride = (fields[f"{name}_{part}"] for part in _PARTS)
    dtype = np.dtype(dtype)
    raw = [
        image.get(base + head * head_stride + row * row_stride, shape[2] * dtype.itemsize)
        for head in range(shape[0])
        for row in range(shape[1])
    ]
    return np.frombuffer(b"".join(raw), dtype).reshape(shape)


def random_entries(rng: np.random.Generator, count: int, inner: int) -> dict[str, np.ndarray]:
    """Return fields of `count` parameter entries whose results are neither all 0 nor clipped."""
    shift = rng.integers(0, 32, count)
    # Accumulators are about 2^(13 + log2(inner) / 2): aim at 8 or so bits of result.
    size = 14 + inner.bit_length() // 2
    mul_bits = np.clip(shift + 7 - size, 1, 16)
    mul = rng.integers(-(1 << mul_bits), 1 << mul_bits)
    half = (1 << shift) >> 1
    return {"mul": mul, "add": (rng.integers(-64, 64, count) << shift) + half, "shift": shift}


def _store_records(image: Image, layout, records: dict[str, np.ndarray]) -> int:
    count = len(next(iter(records.values())))
    base = image.allocate(count * layout.bytes)
    for n in range(count):
        raw = layout.pack(**{name: int(values[n]) for name, values in records.items()})
        image.put(base + n * layout.bytes, raw)
    return base


def _common(image: Image, kind: Kind) -> dict[str, int]:
    return {
        "kind": kind,
        "version": DESCRIPTOR_VERSION,
        "status": image.allocate(8),
        "event_mask": int(image.rng.integers(1, 1 << 8)),
    }


def linear_job(
    image: Image,
    *,
    heads: int = 1,
    rows: int,
    columns: int,
    inner: int,
    x_type: ElementType = ElementType.INT8,
    y_type: ElementType = ElementType.INT8,
    param_mode: ParamMode = ParamMode.COLUMN,
    use_table: bool = False,
) -> Job:
    """Place a linear job with random operands, strides and entries; store its descriptor."""
    rng = image.rng
    low, high = (0, 256) if x_type == ElementType.UINT8 else (-128, 128)
    tensors = {
        "x": rng.integers(low, high, (heads, rows, inner)).astype(DTYPES[x_type]),
        "w": rng.integers(-128, 128, (heads, columns, inner)).astype(np.int8),
    }
    f = _common(image, Kind.LINEAR)
    f |= {"x_type": x_type, "y_type": y_type, "param_mode": param_mode, "use_table": use_table}
    f |= {"rows": rows, "columns": columns, "inner": inner, "heads": heads}
    for name, values in tensors.items():
        f |= image.operand(name, *values.shape)
        store_rows(image, f, name, values)
    f |= image.operand("y", heads, rows, columns * DTYPES[y_type].itemsize)
    count = {
        ParamMode.COMMON: 1,
        ParamMode.COLUMN: heads * columns,
        ParamMode.ROW: heads * rows,
        ParamMode.HEAD: heads,
    }[param_mode]
    if y_type != ElementType.INT32:
        tensors |= random_entries(rng, count, inner)
        f["param_base"] = _store_records(
            image, PARAMETER, {name: tensors[name] for name in ("mul", "add", "shift")}
        )
    if use_table:
        tensors["table"] = rng.integers(-128, 128, 256).astype(np.int8)
        f["table_base"] = image.allocate(256)
        image.put(f["table_base"], tensors["table"].tobytes())
    job = Job(f, tensors)
    job.store(image)
    return job


def attention_job(
    image: Image,
    *,
    heads: int = 1,
    rows: int,
    columns: int,
    inner: int,
    kv_length: int | None = None,
    causal: bool = False,
    mask_offset: int = 0,
    block_rows: int = 1,
    blocks: int = 1,
) -> Job:
    """Place an attention job with random operands, strides and entries; store its descriptor."""
    rng = image.rng
    shapes = {"x": (rows, inner), "w": (columns, inner), "r": (inner, columns)}
    tensors = {
        name: rng.integers(-128, 128, (heads, *shape)).astype(np.int8)
        for name, shape in shapes.items()
    }
    f = _common(image, Kind.ATTENTION)
    f |= {"rows": rows, "columns": columns, "inner": inner, "heads": heads}
    f |= {"block_rows": block_rows, "blocks": blocks, "param_mode": ParamMode.HEAD}
    f["kv_length"] = columns if kv_length is None else kv_length
    f["mask_mode"] = MaskMode.CAUSAL if causal else MaskMode.NONE
    f["mask_offset"] = mask_offset
    for name, values in tensors.items():
        f |= image.operand(name, *values.shape)
        store_rows(image, f, name, values)
    f |= image.operand("y", heads, rows, inner)
    f |= image.operand("s", heads, block_rows * blocks, columns)
    tensors |= random_entries(rng, heads, inner)
    tensors |= {"j": rng.integers(1, 6, heads), "gain": rng.integers(0, 2, heads)}
    names = ("mul", "add", "shift", "j", "gain")
    f["param_base"] = _store_records(image, HEAD_PARAMETER, {n: tensors[n] for n in names})
    job = Job(f, tensors)
    job.store(image)
    return job
