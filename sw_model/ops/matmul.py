"""The integer matrix product with the 32-bit accumulators of the machine."""

import numpy as np


def wrap32(values: np.ndarray) -> np.ndarray:
    """Reduce int64 values modulo 2^32 to the signed 32-bit range (still int64)."""
    return ((values + 2**31) & 0xFFFF_FFFF) - 2**31


def exact(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a @ b of integers of at most 9 bits, exactly, as int64.

    The product runs in float64, which is exact while every partial sum stays below 2^53; with
    operands of 9 bits that holds for inner sizes up to 2^37.
    """
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def accumulate(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return x @ weight.T as the accumulators hold it: modulo 2^32, signed.

    Both operands are rows of dot-product vectors: x is [..., S, K] and weight [..., C, K].
    """
    return wrap32(exact(x, np.swapaxes(weight, -1, -2)))
