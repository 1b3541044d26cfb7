"""iSoftmax: a second-order polynomial and a shift for the exponential."""

import numpy as np

from sw_model.dialect.checks import coefficient, elements
from sw_model.ops import check

MOST_OCTAVES = 31
"""Octaves below the maximum at which the exponential ends."""


def i_softmax(
    x: np.ndarray, *, coeff_a: int, coeff_b: int, coeff_c: int, log2: int, n_levels: int = 256
) -> np.ndarray:
    """Return the softmax of each row (last dimension) as uint8, 1 being `n_levels` - 1.

    With d = max - x: `z = min(31, d // log2)`, `p = z*log2 - d`, `e = (A*(p + B)^2 + C) >> z`,
    `y = e*(n - 1) // sum e`.

    Parameters
    ----------
    x
        int8, uint8 or int32.
    coeff_a, coeff_b, coeff_c
        int32; `A*(p + B)^2 + C` is 0 to 2^32 - 1 for every element, at least 1 for a maximum, and
        the sum of a row's e is below 2^32.
    log2
        1 to 2^31 - 1: what halves the exponential.
    n_levels
        2 to 256.

    Raises
    ------
    ValueError
        A value is out of range.
    """
    x = elements("iSoftmax input", x)
    check.dimensions("iSoftmax input", x, 1)
    a, b, c = (
        coefficient(f"coeff{letter}", value)
        for letter, value in zip("ABC", (coeff_a, coeff_b, coeff_c), strict=True)
    )
    log2 = coefficient("log2", log2, 1)
    n = coefficient("n_levels", n_levels, 2, 256)

    distance = x.max(axis=-1, keepdims=True) - x
    z = np.minimum(distance // log2, MOST_OCTAVES)
    p = z * log2 - distance
    reach = max(abs(b), abs(b + int(p.min(initial=0))))
    if abs(a) * reach**2 + abs(c) >= 2**62:
        raise ValueError(f"A*(p + B)^2 + C overflows: A is {a}, p + B reaches {reach}, C is {c}")
    polynomial = a * (p + b) ** 2 + c
    if a * b * b + c < 1:
        raise ValueError(f"A*B^2 + C is {a * b * b + c}; at least 1 is needed")
    polynomial = check.integers("A*(p + B)^2 + C", polynomial, 0, 2**32 - 1)
    e = polynomial >> z
    total = check.integers("the sum of a row's e", e.sum(axis=-1, keepdims=True), 1, 2**32 - 1)
    return (e * (n - 1) // total).astype(np.uint8)
