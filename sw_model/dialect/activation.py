"""iGELU and iHardswish: activations whose result is an exact int32."""

import numpy as np

from sw_model.dialect.checks import INT32, coefficient, elements, within
from sw_model.ops import check


def i_gelu(x: np.ndarray, *, b: int, one: int) -> np.ndarray:
    """Return `x*((one + L) >> 1)` as int32, with L for the error function.

    With `q = min(|x|, -b)`: `L = sign(x)*(one - (q + b)^2)`.

    Parameters
    ----------
    x
        int8, uint8 or int32, any shape.
    b
        Negative int32: where the polynomial levels off.
    one
        int32; one + L and the result fit int32.

    Raises
    ------
    ValueError
        A value is out of range.
    """
    x = elements("iGELU input", x)
    b, one = coefficient("b", b, INT32[0], -1), coefficient("one", one)
    q = np.minimum(np.abs(x), -b)
    error = np.sign(x) * (one - (q + b) ** 2)
    return within("iGELU result", x * (check.integers("one + L", one + error, *INT32) >> 1))


def i_hardswish(x: np.ndarray, *, three: int, six: int, one_over_six: int) -> np.ndarray:
    """Return `x*(clip(x + three, 0, six)*one_over_six)` as int32.

    Parameters
    ----------
    x
        int8, uint8 or int32, any shape.
    three, one_over_six
        int32.
    six
        0 to 2^31 - 1. The sum, the inner product and the result fit int32.

    Raises
    ------
    ValueError
        A value is out of range.
    """
    x = elements("iHardswish input", x)
    three, six = coefficient("three", three), coefficient("six", six, 0)
    one_over_six = coefficient("one_over_six", one_over_six)
    gate = np.clip(check.integers("x + three", x + three, *INT32), 0, six) * one_over_six
    gate = check.integers("clip(x + three, 0, six)*one_over_six", gate, *INT32)
    return within("iHardswish result", x * gate)
