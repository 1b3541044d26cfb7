"""Embedding: rows of a table, picked by identifiers."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.requantise import Entry, requantise


def embedding(
    ids: np.ndarray,
    table: np.ndarray,
    entry: Entry | None = None,
    dtype: str = "int16",
    *,
    position: np.ndarray | None = None,
) -> np.ndarray:
    """Return `table[ids]`, or `clip((table[ids]*mul + ((position*rmul) << rsh) + add) >> shift)`.

    Parameters
    ----------
    ids
        Integers [..., S], 0 to V - 1.
    table
        int8 or int16 [V, C].
    entry
        One entry for all; None for the table's elements as they are.
    dtype
        "int8" or "int16": type of the result when there is an entry.
    position
        int8 or int16 [S, C], joined like a residual; needs an entry.

    Raises
    ------
    ValueError
        If an identifier is not in the table, or shapes and types do not go together.
    """
    table = np.asarray(table)
    if table.ndim != 2 or table.dtype.name not in ("int8", "int16"):
        raise ValueError(
            f"the table is {table.dtype} {table.shape}; int8 or int16 (V, C) is needed"
        )
    ids = check.integers("ids", ids, 0, len(table) - 1)
    rows = table[ids]
    if entry is None:
        if position is not None:
            raise ValueError("positions need an entry")
        return rows
    if entry.size != 1:
        raise ValueError(f"{entry.size} entries; an embedding has one for all")
    if dtype not in ("int8", "int16"):
        raise ValueError(f"dtype is {dtype!r}; allowed are int8, int16")
    if position is not None:
        position = check.elements("position", position, "int16", "int8")
        if position.shape != rows.shape[-2:]:
            raise ValueError(f"position has shape {position.shape}; {rows.shape[-2:]} is needed")
        position = np.broadcast_to(position, rows.shape)
    return requantise(rows, entry, dtype, residual=position)
