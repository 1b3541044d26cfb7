"""Linear layer: rows times weights, requantised, with an optional activation table."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.activation import activation
from sw_model.ops.matmul import accumulate
from sw_model.ops.requantise import Entry, requantise


def linear(
    x: np.ndarray,
    weight: np.ndarray,
    entry: Entry | None,
    dtype: str = "int8",
    *,
    table: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    transposed: bool = False,
) -> np.ndarray:
    """Return `requantise(x @ weight.T)`, each output channel with its own entry.

    Parameters
    ----------
    x
        [..., S, K], int8 or uint8.
    weight
        [C, K], int8.
    entry
        C entries or one; None for int32 output.
    dtype
        Element type of the result; see `requantise`.
    table
        256-entry activation table. The result is clipped to int8, looked up, and the table's bytes
        are the output, read as int8 or as uint8.
    residual
        int8 or int16 [..., S, C], joined before the shift.
    transposed
        Give the result as [..., C, S].

    Raises
    ------
    ValueError
        If shapes or types do not go together.
    """
    x = check.elements("x", x, "int8", "uint8")
    weight = check.elements("weight", weight, "int8")
    check.dimensions("x", x, 2)
    check.dimensions("weight", weight, 2)
    if weight.ndim != 2 or x.shape[-1] != weight.shape[-1]:
        raise ValueError(f"x {x.shape} and weight {weight.shape} do not have one inner size")
    if table is not None and dtype not in ("int8", "uint8"):
        raise ValueError(f"an activation table needs int8 or uint8 output, not {dtype}")
    acc = accumulate(x, weight)
    if table is None:
        y = requantise(acc, entry, dtype, residual=residual)
    else:
        y = activation(requantise(acc, entry, "int8", residual=residual), table).view(dtype)
    return np.swapaxes(y, -1, -2) if transposed else y
