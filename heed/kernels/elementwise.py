"""Jobs of the operators on each element."""

import numpy as np

from heed.kernels.entries import put_core_entries, put_entries
from heed.kernels.memory import Job, Memory
from heed.toolchain.kernels import CoreEntries
from sw_model.ops import Entry


def add(memory: Memory, a: np.ndarray, b: np.ndarray, entry: Entry, dtype: str = "int16") -> Job:
    """Place operands of `sw_model.ops.add`: int8 or int16 [S, C] become "y" [S, C].

    Parameters
    ----------
    memory
        Where they go.
    a, b, entry, dtype
        Its arguments; dtype is "int16" or "int8".
    """
    rows, columns = a.shape
    at_a, at_b = memory.put(a), memory.put(b)
    y = memory.room(a.shape, dtype)
    values = {
        "a": at_a,
        "a_stride": at_a.stride,
        "a_bytes": a.itemsize,
        "b": at_b,
        "b_stride": at_b.stride,
        "b_bytes": b.itemsize,
        "y": y,
        "y_stride": y.stride,
        "y_bytes": np.dtype(dtype).itemsize,
        "entries": put_entries(memory, entry, entry.size),
        "per_column": int(entry.size > 1),
        "rows": rows,
        "columns": columns,
    }
    return Job("heed_add", values, {"y": y})


def requantise(
    memory: Memory, x: np.ndarray, entry: Entry | CoreEntries, dtype: str = "int8"
) -> Job:
    """Place operands of `sw_model.ops.requantise`: integers [S, C] become "y" [S, C].

    Parameters
    ----------
    memory
        Where they go.
    x
        int32; with general entries also int16 or int8.
    entry
        One or one a column; `heed_requantise` does those in core form.
    dtype
        "int8" or "uint8"; with general entries also "int16".
    """
    rows, columns = x.shape
    core = isinstance(entry, CoreEntries)
    count = len(entry.mul) if core else entry.size
    at = memory.put(x)
    put = put_core_entries(memory, entry) if core else put_entries(memory, entry, count)
    y = memory.room(x.shape, dtype)
    values = {
        "x": at,
        "x_stride": at.stride,
        "y": y,
        "y_stride": y.stride,
        "y_unsigned": int(dtype == "uint8"),
        "entries": put,
        "per_column": int(count > 1),
        "rows": rows,
        "columns": columns,
    }
    if core:
        return Job("heed_requantise", values, {"y": y})
    values |= {"x_bytes": x.itemsize, "y_bytes": y.strides[-1]}
    return Job("heed_requantise_general", values, {"y": y})


def activation(memory: Memory, x: np.ndarray, table: np.ndarray, *, in_place: bool = False) -> Job:
    """Place operands of `sw_model.ops.activation`: int8 [S, C] becomes "y", int8 [S, C].

    Parameters
    ----------
    memory
        Where they go.
    x, table
        Its arguments.
    in_place
        Whether the result takes the place of x.
    """
    at = memory.put(x)
    y = at if in_place else memory.room(x.shape, "int8")
    values = {
        "x": at,
        "x_stride": at.stride,
        "y": y,
        "y_stride": y.stride,
        "table": memory.put(table),
        "rows": x.shape[0],
        "columns": x.shape[1],
    }
    return Job("heed_activation", values, {"y": y})
