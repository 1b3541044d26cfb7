"""Residual addition of two scaled tensors with one rounding."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.requantise import Entry, requantise


def add(a: np.ndarray, b: np.ndarray, entry: Entry, dtype: str = "int16") -> np.ndarray:
    """Return `clip((a*mul + ((b*rmul) << rsh) + add) >> shift)`.

    Parameters
    ----------
    a, b
        int8 or int16 of one shape.
    entry
        One entry, or one for each element of the last axis.
    dtype
        Type of the sum, "int16" or another that `requantise` clips to.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    a = check.elements("a", a, "int16", "int8")
    b = check.elements("b", b, "int16", "int8")
    if a.shape != b.shape:
        raise ValueError(f"a has shape {a.shape}, b {b.shape}; they must be the same")
    return requantise(a, entry, dtype, residual=b)
