"""RequantShift: multiply, add, shift with rounding, clip."""

import numpy as np

from sw_model.dialect.checks import elements, levels, shift_of
from sw_model.ops import check


def along(name: str, values, x: np.ndarray) -> np.ndarray:
    """Return multipliers or addends as int64, in a shape that numpy broadcasts to that of `x`."""
    values = check.integers(name, values, *check.LIMITS["int32"])
    if x.ndim == 3 and values.ndim == 3 and values.shape == (x.shape[1], 1, 1):
        if x.shape[0] != x.shape[1]:
            return values[:, :, 0]
    try:
        fits = np.broadcast_shapes(values.shape, x.shape) == x.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} has shape {values.shape}, which does not go with {x.shape}")
    return values


def requant_shift(
    x: np.ndarray, mul: np.ndarray, add: np.ndarray, *, div: int, n_levels: int, signed: bool
) -> np.ndarray:
    """Return `clip((x*mul + add + div/2) >> log2 div)`; exact for all values that are allowed.

    Parameters
    ----------
    x
        int8, uint8 or int32, any shape.
    mul, add
        int32, of a shape that numpy broadcasts to that of `x`: one for all, per channel, per row
        or per batch. Shape [C, 1, 1] with `x` [N, C, L] is per channel, too, unless N = C.
    div
        Power of two from 1 to 2^31.
    n_levels, signed
        Clip to [-n/2, n/2 - 1] when signed, else to [0, n - 1].

    Returns
    -------
    numpy.ndarray
        int8 or uint8 up to 256 levels, int32 beyond.

    Raises
    ------
    ValueError
        A value is out of range, or shapes do not go together.
    """
    x = elements("RequantShift input", x)
    mul, add = along("mul", mul, x), along("add", add, x)
    shift = shift_of("div", div)
    low, high, dtype = levels(n_levels, signed)
    return np.clip((x * mul + add + (1 << shift >> 1)) >> shift, low, high).astype(dtype)
