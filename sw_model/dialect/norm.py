"""iLayerNorm, iRMSNorm and iNoNorm: normalisations without rounding."""

import math

import numpy as np

from sw_model.dialect.checks import (
    INT32,
    coefficient,
    divide,
    elements,
    levels,
    shift_of,
    squares,
    within,
)
from sw_model.ops import check


def _row(name: str, values, columns: int) -> np.ndarray:
    values = check.integers(name, values, *INT32)
    if values.shape not in ((), (1,), (columns,)):
        raise ValueError(f"{name} has shape {values.shape}; one or {columns} values are needed")
    return values


def _matrix(name: str, x) -> np.ndarray:
    x = elements(name, x)
    check.dimensions(name, x, 1)
    return x


def _deviation(name: str, values: np.ndarray) -> np.ndarray:
    mean = squares(name, values) // values.shape[-1]
    return np.vectorize(math.isqrt, otypes=[np.int64])(mean + 1)


def i_layernorm(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, *, d: int, dtype: str = "int32"
) -> np.ndarray:
    """Return each row (last dimension) less its mean, over its deviation, scaled; nothing rounds.

    With `t = x - sum x // N`: `std = isqrt(sum t^2 // N + 1)`, `y = (t*w // std + b) >> log2 D`.

    Parameters
    ----------
    x
        int8, uint8 or int32 [..., N]; t fits int32, and N times the square of the largest t is
        below 2^63.
    w, b
        int32, N values or one.
    d
        Power of two from 1 to 2^31.
    dtype
        "int8", "uint8" or "int32": type of the result, which must fit (nothing clips).

    Raises
    ------
    ValueError
        A value is out of range, or shapes do not go together.
    """
    x = _matrix("iLayerNorm input", x)
    w, b = _row("w", w, x.shape[-1]), _row("b", b, x.shape[-1])
    shift = shift_of("D", d)
    t = x - divide(x.sum(axis=-1, keepdims=True), x.shape[-1])
    t = check.integers("distance to the mean", t, *INT32)
    std = _deviation("distance to the mean", t)
    return within("iLayerNorm result", (divide(t * w, std) + b) >> shift, dtype)


def i_rmsnorm(
    x: np.ndarray, w: np.ndarray, *, d: int, n_levels: int = 256, signed: bool = True
) -> np.ndarray:
    """Return `clip((x*w // isqrt(sum x^2 // N + 1)) >> log2 D)` of each row (last dimension).

    Parameters
    ----------
    x
        int8, uint8 or int32 [..., N]; N times the square of the largest element is below 2^63.
    w
        int32, N values or one.
    d
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
    x = _matrix("iRMSNorm input", x)
    w = _row("w", w, x.shape[-1])
    shift = shift_of("D", d)
    low, high, dtype = levels(n_levels, signed)
    std = _deviation("iRMSNorm input", x)
    return np.clip(divide(x * w, std) >> shift, low, high).astype(dtype)


def i_nonorm(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    *,
    mul: int,
    d: int,
    n_levels: int = 256,
    signed: bool = True,
) -> np.ndarray:
    """Return `clip(((x*w + b)*mul) >> log2 D)`, not rounded.

    Parameters
    ----------
    x
        int8, uint8 or int32 [..., N]; x*w + b fits int32.
    w, b
        int32, N values or one.
    mul
        int32.
    d
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
    x = _matrix("iNoNorm input", x)
    w, b = _row("w", w, x.shape[-1]), _row("b", b, x.shape[-1])
    mul, shift = coefficient("mul", mul), shift_of("D", d)
    low, high, dtype = levels(n_levels, signed)
    scaled = check.integers("x*w + b", x * w + b, *INT32)
    return np.clip((scaled * mul) >> shift, low, high).astype(dtype)
