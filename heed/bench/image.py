"""A scratchpad's image that is filled piece by piece: matrices, parameter entries."""

from dataclasses import dataclass

import numpy as np

from hw.config import TCDM_BASE
from hw.regmap import HEAD_PARAMETER, PARAMETER, ElementType

ALIGN = 64
"""A beat of words, and what descriptors need."""

WEIGHT_SPREAD = 74
"""Standard deviation of uniform int8."""

SPREAD = 40
"""Standard deviation of results, in steps of int8."""

STEPS_AN_OCTAVE = 3
"""j of attention: 2^3 steps of a logit are one octave of its exponential."""

DTYPES = {
    ElementType.INT8: np.dtype("<i1"),
    ElementType.UINT8: np.dtype("<u1"),
    ElementType.INT16: np.dtype("<i2"),
    ElementType.INT32: np.dtype("<i4"),
}


def pad(size: int) -> int:
    """Return the next multiple of eight."""
    return -(-size // 8) * 8


@dataclass(frozen=True)
class Matrix:
    """Where rows lie: address of the first, bytes from one to the next."""

    base: int
    stride: int

    def fields(self, operand: str, head_stride: int = 0) -> dict[str, int]:
        """Return the fields of a descriptor that say so of an operand."""
        return {
            f"{operand}_base": self.base,
            f"{operand}_row_stride": self.stride,
            f"{operand}_head_stride": head_stride,
        }


class Image:
    """Random bytes, and a place for each thing put into them.

    Rows begin at multiples of 8 bytes, everything else at multiples of ALIGN. What does not fit
    is placed all the same, but not stored.

    Parameters
    ----------
    size
        Bytes, from TCDM_BASE on.
    seed
        Of all values.

    Attributes
    ----------
    bytes : bytearray
    used : int
        Bytes up to the last thing that was placed.
    rng : numpy.random.Generator
    """

    def __init__(self, size: int, seed: int):
        self.rng = np.random.default_rng(seed)
        self.bytes = bytearray(self.rng.bytes(size))
        self.used = 0

    def place(self, size: int) -> int:
        """Return the address of `size` bytes that nobody else has; they hold random values."""
        start = -(-self.used // ALIGN) * ALIGN
        self.used = start + size
        return TCDM_BASE + start

    def put(self, data: bytes) -> int:
        """Place bytes; return their address."""
        address = self.place(len(data))
        self.store(address, data)
        return address

    def store(self, address: int, data: bytes) -> None:
        """Write bytes to a place."""
        end = address - TCDM_BASE + len(data)
        if end <= len(self.bytes):
            self.bytes[end - len(data) : end] = data

    def space(self, rows: int, columns: int, kind: ElementType = ElementType.INT8) -> Matrix:
        """Place a matrix; what it holds is random."""
        stride = pad(columns * DTYPES[kind].itemsize)
        return Matrix(self.place(rows * stride), stride)

    def matrix(self, values: np.ndarray) -> Matrix:
        """Place a matrix of these values."""
        stride = pad(values.shape[1] * values.itemsize)
        rows = np.zeros((len(values), stride), np.uint8)
        raw = np.ascontiguousarray(values).view(np.uint8)
        rows[:, : raw.shape[1]] = raw
        return Matrix(self.put(rows.tobytes()), stride)

    def random(self, rows: int, columns: int) -> np.ndarray:
        """Return int8 values, all equally likely."""
        return self.rng.integers(-128, 128, (rows, columns)).astype(np.int8)

    def entries(self, count: int, spread: float, *, residual: bool = False) -> int:
        """Place parameter entries that spread results over int8; return their address.

        `spread` is the standard deviation of the accumulators.
        """
        records = [self._entry(spread, residual) for _ in range(count)]
        return self.put(b"".join(PARAMETER.pack(**record) for record in records))

    def head_entries(self, heads: int, spread: float) -> int:
        """Place the entries of attention, one a head; return their address."""
        records = [self._entry(spread) for _ in range(heads)]
        return self.put(
            b"".join(HEAD_PARAMETER.pack(**record, j=STEPS_AN_OCTAVE, gain=0) for record in records)
        )

    def _entry(self, spread: float, residual: bool = False) -> dict[str, int]:
        rng = self.rng
        shift = int(rng.integers(16, 24))
        scale = SPREAD / spread * float(np.exp(rng.normal(0, 0.3)))
        mul = int(np.clip(round(scale * (1 << shift)), 1, 65535))
        entry = {
            "mul": mul * int(rng.choice((-1, 1))),
            "add": int(rng.normal(0, 8) * (1 << shift)) + (1 << shift >> 1),
            "shift": shift,
        }
        if residual:  # from a quarter to three quarters of it
            entry |= {"rmul": int(rng.integers(4, 13)), "rsh": shift - 4}
        return entry
