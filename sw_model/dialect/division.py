"""TrueIntegerDiv and IntegerMean: quotients."""

import numpy as np

from sw_model.dialect.checks import coefficient, divide, elements, within

MAX_MEAN = 2**23
"""Most elements of a mean: a sum of uint8 fits 31 bits."""


def integer_div(
    x: np.ndarray, y: np.ndarray, *, delta: int, eps: int, eta: int, dtype: str = "int32"
) -> np.ndarray:
    """Return `(Delta*eta*x) // (eta*y + eps)`, cut off like C's division.

    Parameters
    ----------
    x, y
        int8, uint8 or int32; `y` has the shape of `x`, or 1 instead of some of its dimensions.
    delta, eps, eta
        int32; Delta*eta*x lies within 63 bits and a sign, eta*y + eps is not 0.
    dtype
        "int8", "uint8" or "int32": type of the result, which must fit (nothing clips).

    Raises
    ------
    ValueError
        A value is out of range, or shapes do not go together.
    """
    x, y = elements("dividend", x), elements("divisor", y)
    try:
        fits = np.broadcast_shapes(x.shape, y.shape) == x.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"divisor has shape {y.shape}, which does not go with {x.shape}")
    delta, eps, eta = (
        coefficient(name, value) for name, value in (("Delta", delta), ("eps", eps), ("eta", eta))
    )
    largest = int(np.abs(x).max(initial=0))
    if abs(delta * eta) * largest >= 2**63:
        raise ValueError(f"Delta*eta*x overflows: Delta*eta is {delta * eta}, x reaches {largest}")
    divisor = eta * y + eps
    if not divisor.all():
        raise ValueError("eta*y + eps holds 0; no divisor may be 0")
    return within("quotient", divide(delta * eta * x, divisor), dtype)


def integer_mean(
    x: np.ndarray, *, axis: int = -1, keepdims: bool = True, dtype: str = "int32"
) -> np.ndarray:
    """Return the mean along a dimension, rounded to the nearest, halves away from zero.

    Parameters
    ----------
    x
        int8, uint8 or int32, 1 to 2^23 elements along `axis`.
    axis, keepdims
        As numpy has them.
    dtype
        "int8", "uint8" or "int32": type of the result, which must fit (nothing clips).

    Raises
    ------
    ValueError
        A value is out of range.
    """
    x = elements("IntegerMean input", x)
    axis = coefficient("axis", axis, -x.ndim, x.ndim - 1)
    count = x.shape[axis]
    if not 1 <= count <= MAX_MEAN:
        raise ValueError(f"a mean of {count} elements; allowed is 1 to {MAX_MEAN}")
    total = x.sum(axis=axis, keepdims=keepdims)
    return within("mean", np.sign(total) * ((np.abs(total) + count // 2) // count), dtype)
