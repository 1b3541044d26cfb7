"""Jobs of the kernels that make sequences of tokens, or one of them."""

import numpy as np

from heed.kernels.entries import put_entries
from heed.kernels.memory import Job, Memory
from sw_model.ops import Entry


def mean_pool(memory: Memory, x: np.ndarray, entry: Entry) -> Job:
    """Place operands of `sw_model.ops.mean_pool`: int8 [S, C] becomes "y", int8 [1, C].

    Parameters
    ----------
    memory
        Where they go.
    x, entry
        Its arguments.
    """
    at = memory.put(x)
    y = memory.room((1, x.shape[1]), "int8")
    values = {
        "x": at,
        "x_stride": at.stride,
        "y": y,
        "entry": put_entries(memory, entry, 1),
        "rows": x.shape[0],
        "columns": x.shape[1],
    }
    return Job("heed_mean_pool", values, {"y": y})


def patch_embed(
    memory: Memory,
    image: np.ndarray,
    weight: np.ndarray,
    position: np.ndarray,
    entry: Entry,
    patch: int,
) -> Job:
    """Place operands of `sw_model.ops.patch_embed`: an image becomes "y", int16 [S, E].

    Parameters
    ----------
    memory
        Where they go.
    image, weight, position, entry, patch
        Its arguments.
    """
    at = {
        "image": memory.put(image),
        "weight": memory.put(weight),
        "position": memory.put(position),
        "y": memory.room(position.shape, "int16"),
    }
    values = {
        **at,
        **{f"{name}_stride": place.stride for name, place in at.items()},
        "entries": put_entries(memory, entry, position.shape[1]),
        "height": image.shape[0],
        "width": image.shape[1],
        "patch": patch,
        "columns": position.shape[1],
    }
    return Job("heed_patch_embed", values, {"y": at["y"]})


def embedding(
    memory: Memory,
    ids: np.ndarray,
    table: np.ndarray,
    entry: Entry | None = None,
    dtype: str = "int16",
    *,
    position: np.ndarray | None = None,
) -> Job:
    """Place operands of `sw_model.ops.embedding`: rows of the table become "y" [S, C].

    Parameters
    ----------
    memory
        Where they go.
    ids
        int32 or uint16 [S]; those outside the table take its last row.
    table, entry, dtype, position
        Its arguments.
    """
    at = memory.put(table)
    p = None if position is None else memory.put(position)
    y = memory.room((len(ids), table.shape[1]), dtype if entry else table.dtype.name)
    values = {
        "ids": memory.put(ids),
        "id_bytes": ids.itemsize,
        "table": at,
        "table_stride": at.stride,
        "table_bytes": table.itemsize,
        "table_rows": len(table),
        "position": p,
        "position_stride": 0 if p is None else p.stride,
        "position_bytes": 0 if position is None else position.itemsize,
        "y": y,
        "y_stride": y.stride,
        "y_bytes": y.strides[-1],
        "entry": put_entries(memory, entry, 1) if entry else None,
        "rows": len(ids),
        "columns": table.shape[1],
    }
    return Job("heed_embedding", values, {"y": y})
