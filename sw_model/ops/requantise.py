"""Requantisation: from a 32-bit accumulator to an element type, by multiply, add and shift."""

from dataclasses import dataclass

import numpy as np

from sw_model.ops import check
from sw_model.ops.matmul import wrap32

_FIELDS = {  # name: smallest, largest
    "mul": (-(2**16), 2**16 - 1),
    "add": (-(2**47), 2**47 - 1),
    "shift": (0, 31),
    "rmul": (-(2**16), 2**16 - 1),
    "rsh": (0, 63),
}


@dataclass(frozen=True, eq=False)
class Entry:
    """Parameters of a requantisation, one value a channel (or a row, a head) or one for all.

    Parameters
    ----------
    mul
        Multiplier of the accumulator, signed 17 bit.
    add
        Signed 48 bit; holds bias, zero points and the rounding half `(1 << shift) >> 1`.
    shift
        Right shift, 0..31, arithmetic.
    rmul, rsh
        Multiplier (signed 17 bit) and left shift (0..63) of the residual; 0 where there is none.

    Raises
    ------
    ValueError
        If a value leaves its range or the lengths are neither 1 nor all the same.
    """

    mul: np.ndarray
    add: np.ndarray
    shift: np.ndarray
    rmul: np.ndarray | int = 0
    rsh: np.ndarray | int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _FIELDS.items():
            values = np.atleast_1d(check.integers(name, getattr(self, name), low, high))
            if values.ndim != 1 or not values.size:
                raise ValueError(f"{name} has shape {values.shape}; one dimension is needed")
            object.__setattr__(self, name, values)
        lengths = {name: getattr(self, name).size for name in _FIELDS}
        if len(set(lengths.values()) - {1}) > 1:
            raise ValueError(f"entry fields have different lengths: {lengths}")

    @property
    def size(self) -> int:
        """Number of entries; 1 is common to all channels."""
        return max(getattr(self, name).size for name in _FIELDS)

    @classmethod
    def read(cls, constants) -> "Entry":
        """Take the fields of an entry out of a mapping of constants."""
        return cls(**{name: constants[name] for name in _FIELDS if name in constants})


def requantise(
    acc: np.ndarray,
    entry: Entry | None,
    dtype: str = "int8",
    *,
    residual: np.ndarray | None = None,
    axis: int = -1,
) -> np.ndarray:
    """Return `clip((acc*mul + ((residual*rmul) << rsh) + add) >> shift)`.

    The sum is formed in 64-bit two's complement and the shift is arithmetic. Entries that could
    leave 64 bits are refused by the compiler; here they wrap, like the hardware.

    Parameters
    ----------
    acc
        Accumulators, reduced modulo 2^32 first.
    entry
        Parameters that run along `axis` (negative, counted from the end); None for int32.
    dtype
        "int8", "uint8" or "int16", clipped; "int32" is the raw accumulator, without entry.
    residual
        int8 or int16 elements of the shape of `acc`.

    Raises
    ------
    ValueError
        If dtype is unknown, or entry, residual and acc do not go together.
    """
    if dtype not in check.LIMITS:
        raise ValueError(f"dtype is {dtype!r}; allowed are {', '.join(check.LIMITS)}")
    acc = wrap32(np.asarray(acc, np.int64))
    if dtype == "int32":
        if entry is not None or residual is not None:
            raise ValueError("int32 output is the raw accumulator: no entry and no residual")
        return acc.astype(np.int32)
    if entry is None:
        raise ValueError(f"{dtype} output needs an entry")
    if entry.size not in (1, acc.shape[axis]):
        raise ValueError(f"{entry.size} entries for {acc.shape[axis]} channels; 1 or all needed")

    def along(values):
        return values.reshape((-1,) + (1,) * (-axis - 1))

    total = acc * along(entry.mul) + along(entry.add)
    if residual is not None:
        residual = check.elements("residual", residual, "int16", "int8")
        if residual.shape != acc.shape:
            raise ValueError(f"residual has shape {residual.shape}, accumulators {acc.shape}")
        total = total + ((residual * along(entry.rmul)) << along(entry.rsh))
    return np.clip(total >> along(entry.shift), *check.LIMITS[dtype]).astype(dtype)
