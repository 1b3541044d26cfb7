"""Activation by table: any function of one int8 value."""

import numpy as np

from sw_model.ops import check


def activation(x: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return `table[x + 128]` as int8, element by element.

    Parameters
    ----------
    x
        int8 of any shape.
    table
        256 int8 values, the one for -128 first.

    Raises
    ------
    ValueError
        If the table does not have 256 entries, or a value is no int8.
    """
    table = check.elements("activation table", table, "int8")
    if table.shape != (256,):
        raise ValueError(f"activation table has shape {table.shape}; (256,) is needed")
    return table[check.elements("activation input", x, "int8") + 128].astype(np.int8)
