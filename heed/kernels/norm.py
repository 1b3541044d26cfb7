"""Jobs of the normalisations."""

import numpy as np

from heed.kernels.entries import put_core_entries, put_entries
from heed.kernels.memory import Job, Memory
from heed.toolchain.kernels import CoreEntries
from sw_model.ops import Entry


def layernorm(memory: Memory, x: np.ndarray, entry: Entry | CoreEntries) -> Job:
    """Place operands of `sw_model.ops.layernorm`: int16 [S, C] becomes "y", int8 [S, C].

    Parameters
    ----------
    memory
        Where they go.
    x, entry
        Its arguments; `heed_layernorm_core` does those in core form.
    """
    rows, columns = x.shape
    core = isinstance(entry, CoreEntries)
    at = memory.put(x)
    entries = put_core_entries(memory, entry) if core else put_entries(memory, entry, columns)
    y = memory.room(x.shape, "int8")
    values = {
        "x": at,
        "x_stride": at.stride,
        "y": y,
        "y_stride": y.stride,
        "entries": entries,
        "rows": rows,
        "columns": columns,
    }
    return Job("heed_layernorm_core" if core else "heed_layernorm", values, {"y": y})


def nonorm(
    memory: Memory, x: np.ndarray, entry: Entry, *, residual: np.ndarray | None = None
) -> Job:
    """Place operands of `sw_model.ops.nonorm`: int8 or int16 [S, C] becomes "y", int8 [S, C].

    Parameters
    ----------
    memory
        Where they go.
    x, entry, residual
        Its arguments.
    """
    rows, columns = x.shape
    at = memory.put(x)
    r = None if residual is None else memory.put(residual)
    y = memory.room(x.shape, "int8")
    values = {
        "x": at,
        "x_stride": at.stride,
        "x_bytes": x.itemsize,
        "r": r,
        "r_stride": 0 if r is None else r.stride,
        "r_bytes": 0 if residual is None else residual.itemsize,
        "y": y,
        "y_stride": y.stride,
        "entries": put_entries(memory, entry, columns),
        "rows": rows,
        "columns": columns,
    }
    return Job("heed_nonorm", values, {"y": y})
