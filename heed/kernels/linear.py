"""Jobs of the linear kernels."""

import numpy as np

from heed.kernels.entries import put_core_entries, put_entries
from heed.kernels.memory import Job, Memory, Place
from heed.toolchain.kernels import CoreEntries
from hw.regmap import ElementType, ParamMode
from sw_model.ops import Entry


def _sizes(x: Place, weight: Place) -> tuple[int, int, int]:
    """Return tokens, channels and inner size."""
    if len(x.shape) != 2 or len(weight.shape) != 2 or x.shape[1] != weight.shape[1]:
        raise ValueError(
            f"x {list(x.shape)} and weight {list(weight.shape)} do not have one inner size"
        )
    return x.shape[0], weight.shape[0], x.shape[1]


def _check_entries(count: int, channels: int, *also: int) -> None:
    if count not in (channels, *also):
        raise ValueError(f"{count} entries for {channels} channels")


def linear(
    memory: Memory,
    x: np.ndarray | Place,
    weight: np.ndarray,
    entries: CoreEntries,
    dtype: str = "int8",
    *,
    table: np.ndarray | None = None,
    heads: int = 1,
    transposed: bool = False,
) -> Job:
    """Place operands of `heed_linear`: x @ weight.T, requantised, becomes "y".

    Parameters
    ----------
    memory
        Where they go.
    x
        int8 or uint8 [S, K], or where it lies already.
    weight
        int8 [C, K].
    entries
        C entries.
    dtype
        Of the result, int8 or uint8.
    table
        256-entry activation table, or none.
    heads
        The result is head-major: [heads, S, C / heads], [S, C] for one head.
    transposed
        The result is [C, S]; for one head.

    Raises
    ------
    ValueError
        Sizes do not go together.
    """
    at_x, at_w = memory.place(x), memory.put(weight)
    tokens, channels, inner = _sizes(at_x, at_w)
    _check_entries(len(entries.bias), channels)
    if channels % heads:
        raise ValueError(f"{channels} channels do not split into {heads} heads")
    if transposed and heads > 1:
        raise ValueError(f"a transposed result has one head, not {heads}")
    shape = (channels, tokens) if transposed else (tokens, channels // heads)
    y = memory.room(shape if heads == 1 else (heads, *shape), dtype)
    first, second = (at_w, at_x) if transposed else (at_x, at_w)
    values = {
        "x": first,
        "x_stride": first.stride,
        "x_head_stride": 0,
        "w": second,
        "w_stride": second.stride,
        "w_head_stride": channels // heads * second.stride,
        "y": y,
        "y_stride": y.stride,
        "y_head_stride": y.strides[0] if heads > 1 else 0,
        "entries": put_core_entries(memory, entries),
        "table": None if table is None else memory.put(np.asarray(table, np.int8)),
        "rows": shape[0],
        "columns": shape[1],
        "inner": inner,
        "heads": heads,
        "row_entries": transposed,
        "data_unsigned": at_x.dtype == "uint8",
        "y_unsigned": dtype == "uint8" and table is None,
    }
    return Job("heed_linear", values, {"y": y})


def linear_general(
    memory: Memory,
    x: np.ndarray | Place,
    weight: np.ndarray,
    entry: Entry | None,
    dtype: str = "int8",
    *,
    table: np.ndarray | None = None,
    residual: np.ndarray | Place | None = None,
    transposed: bool = False,
) -> Job:
    """Place operands of `heed_linear_general`: "y" is what `sw_model.ops.linear` gives.

    Parameters
    ----------
    memory
        Where they go.
    x, residual
        Arrays, or where they lie already.
    weight, entry, dtype, table, transposed
        Arguments of `sw_model.ops.linear`; a residual of a transposed result is transposed, too.

    Raises
    ------
    ValueError
        Sizes do not go together.
    """
    at_x, at_w = memory.place(x), memory.put(weight)
    tokens, channels, inner = _sizes(at_x, at_w)
    if entry is not None:
        _check_entries(entry.size, channels, 1)
    rows, columns = (channels, tokens) if transposed else (tokens, channels)
    y = memory.room((rows, columns), dtype)
    first, second = (at_w, at_x) if transposed else (at_x, at_w)
    residual = None if residual is None else memory.place(residual)
    if residual is not None and residual.shape != y.shape:
        raise ValueError(f"residual is {list(residual.shape)}, but y {list(y.shape)}")
    mode = ParamMode.COMMON
    if entry is not None and entry.size > 1:
        mode = ParamMode.ROW if transposed else ParamMode.COLUMN
    elif transposed:
        mode = ParamMode.ROW
    count = {ParamMode.COMMON: 1, ParamMode.COLUMN: columns, ParamMode.ROW: rows}[mode]
    values = {
        "x": first,
        "x_stride": first.stride,
        "x_head_stride": 0,
        "w": second,
        "w_stride": second.stride,
        "w_head_stride": 0,
        "y": y,
        "y_stride": y.stride,
        "y_head_stride": 0,
        "r": residual,
        "r_stride": 0 if residual is None else residual.stride,
        "r_head_stride": 0,
        "r_bytes": 0 if residual is None else np.dtype(residual.dtype).itemsize,
        "entries": None if entry is None else put_entries(memory, entry, count),
        "table": None if table is None else memory.put(np.asarray(table, np.int8)),
        "rows": rows,
        "columns": columns,
        "inner": inner,
        "heads": 1,
        "mode": mode,
        "data_unsigned": at_x.dtype == "uint8",
        "y_type": ElementType[dtype.upper()],
    }
    return Job("heed_linear_general", values, {"y": y})
