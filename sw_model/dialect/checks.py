"""What the dialect's operators share: C's division, levels, and checks that name what is wrong."""

import numpy as np

from sw_model.ops import check

INT32 = check.LIMITS["int32"]


def elements(name: str, values) -> np.ndarray:
    """Return int8, uint8 or int32 elements as int64."""
    return check.elements(name, values, "int32", "int8", "uint8")


def coefficient(name: str, value, low: int = INT32[0], high: int = INT32[1]) -> int:
    """Return one integer within [low, high]."""
    array = check.integers(name, value, low, high)
    if array.ndim:
        raise ValueError(f"{name} has shape {array.shape}; one number is needed")
    return int(array)


def shift_of(name: str, value) -> int:
    """Return the binary logarithm of a power of two from 1 to 2^31."""
    value = coefficient(name, value, 1, 2**31)
    if value & (value - 1):
        raise ValueError(f"{name} is {value}; powers of two from 1 to 2^31 are allowed")
    return value.bit_length() - 1


def levels(n_levels: int, signed: bool) -> tuple[int, int, str]:
    """Return the least and the largest of `n_levels` values, and the element type that holds them.

    They are -n/2 to n/2 - 1 when signed, else 0 to n - 1: int8 or uint8 up to 256 levels, int32
    beyond.
    """
    n = coefficient("n_levels", n_levels, 2, 2**32 if signed else 2**31)
    low, high = (-(n // 2), n // 2 - 1) if signed else (0, n - 1)
    return low, high, ("int8" if signed else "uint8") if n <= 256 else "int32"


def divide(a: np.ndarray, b: np.ndarray | int) -> np.ndarray:
    """Return a / b as C divides: the fraction is cut off, whatever the sign."""
    quotient = np.abs(a) // np.abs(b)
    return np.where((a < 0) != (np.asarray(b) < 0), -quotient, quotient)


def within(name: str, values: np.ndarray, dtype: str = "int32") -> np.ndarray:
    """Return values as an array of `dtype` after checking that all fit."""
    if dtype not in ("int8", "uint8", "int32"):
        raise ValueError(f"dtype is {dtype!r}; allowed are int8, uint8 and int32")
    return check.integers(name, values, *check.LIMITS[dtype]).astype(dtype)


def squares(name: str, values: np.ndarray) -> np.ndarray:
    """Return each row's sum of squares; the columns times the largest one must stay below 2^63."""
    largest, columns = int(np.abs(values).max(initial=0)), values.shape[-1]
    if columns * largest**2 >= 2**63:
        raise ValueError(
            f"{name} reaches {largest} in rows of {columns}; the columns times its square must "
            "stay below 2^63"
        )
    return (values * values).sum(axis=-1, keepdims=True)
