"""Random engine jobs in a TCDM image whose operands are known as arrays."""

from dataclasses import dataclass

import numpy as np

from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
    PARAMETER,
    TABLE_BYTES,
    ElementType,
    Kind,
    MaskMode,
    ParamMode,
)
from verif.lib.engine_jobs import Image, place_operand, random_entry

DTYPES = {
    ElementType.INT8: np.dtype("<i1"),
    ElementType.UINT8: np.dtype("<u1"),
    ElementType.INT16: np.dtype("<i2"),
    ElementType.INT32: np.dtype("<i4"),
}


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
        self.address = self.address or image.place(DESCRIPTOR.bytes, DESCRIPTOR.bytes)
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


def _entries(image: Image, count: int, inner: int) -> dict[str, np.ndarray]:
    """Return the fields of `count` random parameter entries."""
    entries = [random_entry(image.rng, inner) for _ in range(count)]
    return {name: np.array([entry[name] for entry in entries]) for name in entries[0]}


def _store_records(image: Image, layout, records: dict[str, np.ndarray]) -> int:
    count = len(next(iter(records.values())))
    base = image.place(count * layout.bytes)
    for n in range(count):
        raw = layout.pack(**{name: int(values[n]) for name, values in records.items()})
        image.put(base + n * layout.bytes, raw)
    return base


def _common(image: Image, kind: Kind) -> dict[str, int]:
    return {
        "kind": kind,
        "version": DESCRIPTOR_VERSION,
        "status": image.place(8),
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
        f |= place_operand(image, name, *values.shape)
        store_rows(image, f, name, values)
    f |= place_operand(image, "y", heads, rows, columns * DTYPES[y_type].itemsize)
    count = {
        ParamMode.COMMON: 1,
        ParamMode.COLUMN: heads * columns,
        ParamMode.ROW: heads * rows,
        ParamMode.HEAD: heads,
    }[param_mode]
    if y_type != ElementType.INT32:
        tensors |= _entries(image, count, inner)
        f["param_base"] = _store_records(
            image, PARAMETER, {name: tensors[name] for name in ("mul", "add", "shift")}
        )
    if use_table:
        tensors["table"] = rng.integers(-128, 128, 256).astype(np.int8)
        f["table_base"] = image.place(TABLE_BYTES)
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
        f |= place_operand(image, name, *values.shape)
        store_rows(image, f, name, values)
    f |= place_operand(image, "y", heads, rows, inner)
    f |= place_operand(image, "s", heads, block_rows * blocks, columns)
    tensors |= _entries(image, heads, inner)
    tensors |= {"j": rng.integers(1, 6, heads), "gain": rng.integers(0, 2, heads)}
    names = ("mul", "add", "shift", "j", "gain")
    f["param_base"] = _store_records(image, HEAD_PARAMETER, {n: tensors[n] for n in names})
    job = Job(f, tensors)
    job.store(image)
    return job
