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


def _entries(rng: np.random.Generator, count: int, **scale) -> dict[str, np.ndarray]:
    """Return the fields of `count` random parameter entries."""
    entries = [random_entry(rng, **scale) for _ in range(count)]
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


def _random_elements(rng: np.random.Generator, shape: tuple[int, ...], element: ElementType):
    info = np.iinfo(DTYPES[element])
    return rng.integers(info.min, info.max + 1, shape).astype(DTYPES[element])


def _finish_job(
    image: Image,
    f: dict[str, int],
    tensors: dict[str, np.ndarray],
    sums: float,
    *,
    y_type: ElementType,
    param_mode: ParamMode = ParamMode.COMMON,
    use_table: bool = False,
    join: str = "none",
    r_type: ElementType = ElementType.INT8,
) -> Job:
    """Place operands, R, Y, entries for sums of deviation `sums` and table; store a job."""
    rng = image.rng
    heads, rows, columns = f["heads"], f["rows"], f["columns"]
    f |= {"y_type": y_type, "param_mode": param_mode, "use_table": use_table}
    f |= {"use_residual": join == "residual", "accumulate": join == "accumulate"}
    if join != "none":
        f["r_type"] = r_type
        tensors["r"] = _random_elements(rng, (heads, rows, columns), r_type)
    for name, values in tensors.items():
        f |= place_operand(image, name, *values.shape[:2], values.shape[2] * values.itemsize)
        store_rows(image, f, name, values)
    f |= place_operand(image, "y", heads, rows, columns * DTYPES[y_type].itemsize)
    count = {
        ParamMode.COMMON: 1,
        ParamMode.COLUMN: heads * columns,
        ParamMode.ROW: heads * rows,
        ParamMode.HEAD: heads,
    }[param_mode]
    if y_type != ElementType.INT32 and f["kind"] != Kind.COPY:
        residual = tensors["r"].std() + 1 if join == "residual" else None
        sums = 1.24e9 if join == "accumulate" else sums
        entries = _entries(rng, count, sums=sums, residual=residual)
        f["param_base"] = _store_records(image, PARAMETER, entries)
        tensors |= entries
    if use_table:
        tensors["table"] = rng.integers(-128, 128, 256).astype(np.int8)
        f["table_base"] = image.place(TABLE_BYTES)
        image.put(f["table_base"], tensors["table"].tobytes())
    job = Job(f, tensors)
    job.store(image)
    return job


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
    **modes,
) -> Job:
    """Place a linear job with random operands, strides and entries; store its descriptor.

    `modes`: use_table, join ("none", "residual", "accumulate") and r_type.
    """
    tensors = {
        "x": _random_elements(image.rng, (heads, rows, inner), x_type),
        "w": _random_elements(image.rng, (heads, columns, inner), ElementType.INT8),
    }
    f = _common(image, Kind.LINEAR) | {"x_type": x_type}
    f |= {"rows": rows, "columns": columns, "inner": inner, "heads": heads}
    sums = 74 * 74 * inner**0.5
    return _finish_job(image, f, tensors, sums, y_type=y_type, param_mode=param_mode, **modes)


def direct_job(
    image: Image,
    kind: Kind,
    *,
    heads: int = 1,
    rows: int,
    columns: int,
    x_type: ElementType = ElementType.INT8,
    y_type: ElementType = ElementType.INT8,
    **modes,
) -> Job:
    """Place a LayerNorm or element-wise job or a copy like `linear_job`; also takes param_mode."""
    tensors = {"x": _random_elements(image.rng, (heads, rows, columns), x_type)}
    f = _common(image, kind) | {"x_type": x_type}
    f |= {"rows": rows, "columns": columns, "heads": heads}
    sums = 1024 if kind == Kind.LAYERNORM else np.iinfo(DTYPES[x_type]).max / 1.7
    return _finish_job(image, f, tensors, sums, y_type=y_type, **modes)


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
    tensors |= _entries(rng, heads, inner=inner)
    tensors |= {"j": rng.integers(1, 6, heads), "gain": rng.integers(0, 2, heads)}
    names = (*PARAMETER.names, "j", "gain")
    f["param_base"] = _store_records(image, HEAD_PARAMETER, {n: tensors[n] for n in names})
    job = Job(f, tensors)
    job.store(image)
    return job
