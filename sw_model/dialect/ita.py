"""ITA's softmax: powers of two of whole octaves, 32 steps of the logits each."""

import numpy as np

from sw_model.dialect.checks import coefficient
from sw_model.ops import check

ONE = 256
"""What a maximum adds to the denominator."""

MAX_COLUMNS = 2**24 - 1
"""Longest row: its denominator fits 32 bits."""


def _octaves(distance: np.ndarray) -> np.ndarray:
    return (distance + 16) >> 5


def _arguments(name: str, x, n_levels: int) -> tuple[np.ndarray, int]:
    x = check.elements(f"{name} input", x, "int8", "uint8")
    check.dimensions(f"{name} input", x, 1)
    if x.shape[-1] > MAX_COLUMNS:
        raise ValueError(f"{name} over {x.shape[-1]} columns; allowed is 1 to {MAX_COLUMNS}")
    return x, coefficient("n_levels", n_levels, 2, 256)


def ita_max(x: np.ndarray, *, n_levels: int = 256) -> np.ndarray:
    """Return ITA's softmax of each row (last dimension) as uint8, 1 being `n_levels` - 1.

    `s = (max - x + 16) >> 5`, `y = (((n - 1)*256) // sum(256 >> s)) >> s`.

    Parameters
    ----------
    x
        int8 or uint8, rows of 1 to 2^24 - 1.
    n_levels
        2 to 256.

    Raises
    ------
    ValueError
        A value is out of range.
    """
    x, n = _arguments("ITAMax", x, n_levels)
    s = _octaves(x.max(axis=-1, keepdims=True) - x)
    total = (ONE >> s).sum(axis=-1, keepdims=True)
    return (((n - 1) * ONE // total) >> s).astype(np.uint8)


def ita_partial_max(x: np.ndarray, *, n_levels: int = 256, group: int = 16) -> np.ndarray:
    """Return ITA's softmax with a running maximum: int8, 1 being `n_levels`/2 - 1.

    A row comes in groups. For each one, M is the largest value up to its end; when M rises by m,
    `den >>= (m + 16) >> 5`; then `den += sum(256 >> ((M - x + 16) >> 5))` over the group. After
    the last one, `y = (((n/2 - 1)*256) // den) >> ((M - x + 16) >> 5)`.

    Parameters
    ----------
    x
        int8 or uint8, rows of 1 to 2^24 - 1.
    n_levels
        Even, 2 to 256.
    group
        Columns of a group, from 1 on; the last group of a row may be shorter.

    Raises
    ------
    ValueError
        A value is out of range.
    """
    x, n = _arguments("ITAPartialMax", x, n_levels)
    if n % 2:
        raise ValueError(f"n_levels is {n}; even numbers from 2 to 256 are allowed")
    group = coefficient("group", group, 1)
    maximum = np.full((*x.shape[:-1], 1), -128)  # any: the denominator is 0 before the first group
    total = np.zeros_like(maximum)
    for start in range(0, x.shape[-1], group):
        part = x[..., start : start + group]
        risen = np.maximum(maximum, part.max(axis=-1, keepdims=True))
        total >>= np.where(risen > maximum, _octaves(risen - maximum), 0)
        total += (ONE >> _octaves(risen - part)).sum(axis=-1, keepdims=True)
        maximum = risen
    return (((n // 2 - 1) * ONE // total) >> _octaves(maximum - x)).astype(np.int8)
