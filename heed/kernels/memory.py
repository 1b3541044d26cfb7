"""Operands of kernels in one stretch of memory, and jobs that work on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from heed.errors import HeedError

GUARD = 0xA5
"""What fills memory where nothing was placed: a write outside a result shows."""

ALIGN = 4
"""Rows begin at multiples of this many bytes."""


@dataclass(frozen=True)
class Place:
    """Where an array lies.

    Parameters
    ----------
    offset
        Bytes from the start of the memory.
    shape, dtype
        Of the array.
    strides
        Bytes from one element to the next, a number a dimension.
    """

    offset: int
    shape: tuple[int, ...]
    dtype: str
    strides: tuple[int, ...]

    @property
    def stride(self) -> int:
        """Bytes from one row to the next: of the last dimension but one, 0 for a vector."""
        return self.strides[-2] if len(self.strides) > 1 else 0

    def view(self, memory) -> np.ndarray:
        """Return the array in a buffer that holds the memory, without copying."""
        return np.ndarray(self.shape, self.dtype, memory, self.offset, self.strides)


Value = int | Place | None


@dataclass(frozen=True)
class Job:
    """One call of a kernel.

    Parameters
    ----------
    kernel
        Name of its function.
    values
        The fields of its job structure: numbers, places for pointers, None for pointers that are 0.
    results
        Places that it writes, by name.
    scratch
        Places that it may write, with nothing of worth in the end.
    """

    kernel: str
    values: Mapping[str, Value]
    results: Mapping[str, Place]
    scratch: tuple[Place, ...] = ()

    def fields(self, base: int) -> dict[str, int]:
        """Return the fields as numbers, for a memory that starts at address `base`."""
        return {
            name: base + value.offset if isinstance(value, Place) else int(value or 0)
            for name, value in self.values.items()
        }


@dataclass
class Memory:
    """Grows as arrays are placed in it.

    Parameters
    ----------
    rng
        Where to leave gaps between arrays and between rows; without it there are none.
    align
        Bytes at whose multiples arrays begin, a power of two from 4 on.
    """

    rng: np.random.Generator | None = None
    align: int = ALIGN
    _parts: list[tuple[Place, np.ndarray | None]] = field(default_factory=list)
    size: int = 0

    def _gap(self, unit: int, most: int) -> int:
        return unit * int(self.rng.integers(0, most + 1)) if self.rng is not None else 0

    def _place(self, shape: tuple[int, ...], dtype: str, row_align: int) -> Place:
        item = np.dtype(dtype).itemsize
        align = max(self.align, item)
        row_align = max(row_align, item)
        strides = [item]
        for axis in range(len(shape) - 1, 0, -1):
            least = shape[axis] * strides[0]
            if axis == len(shape) - 1:
                least = -(-least // row_align) * row_align + self._gap(row_align, 2)
            strides.insert(0, least)
        start = -(-self.size // align) * align + self._gap(align, 6)
        self.size = start + (shape[0] * strides[0] if shape else item)
        return Place(start, tuple(shape), dtype, tuple(strides))

    def put(self, array: np.ndarray, *, row_align: int = ALIGN) -> Place:
        """Place an array; its rows (last dimension) begin at multiples of `row_align` bytes."""
        array = np.asarray(array)
        place = self._place(array.shape, array.dtype.name, row_align)
        self._parts.append((place, array))
        return place

    def place(self, operand: np.ndarray | Place) -> Place:
        """Return where an operand lies; an array is placed first."""
        return operand if isinstance(operand, Place) else self.put(operand)

    def put_bytes(self, contents: bytes) -> Place:
        """Place bytes as they are."""
        return self.put(np.frombuffer(contents, np.uint8))

    def room(self, shape: tuple[int, ...], dtype: str, *, row_align: int = ALIGN) -> Place:
        """Leave room for a result."""
        return self._place(shape, dtype, row_align)

    def image(self) -> np.ndarray:
        """Return the bytes: arrays where they were placed, GUARD elsewhere.

        A multiple of 8 and at least 8 more than what was placed: kernels read whole words.
        """
        raw = np.full(-(-self.size // 8) * 8 + 8, GUARD, np.uint8)
        for place, array in self._parts:
            place.view(raw)[...] = array
        return raw


Done = Sequence[tuple[Job, Mapping[str, np.ndarray]]]
"""Jobs, each with an array for each of its results."""


def check(before: np.ndarray, after: bytes, done: Done) -> None:
    """Compare a memory after some jobs with what it should be, every byte of it.

    Parameters
    ----------
    before, after
        The memory.
    done
        The jobs with their results.

    Raises
    ------
    HeedError
        A result differs, or another byte was written; the message names the first ones.
    """
    found = np.frombuffer(after, np.uint8)
    expected = before.copy()
    for job, wanted in done:
        for name, place in job.results.items():
            _compare(f"{job.kernel}: ", name, place.view(found), np.asarray(wanted[name]))
            place.view(expected)[...] = wanted[name]
        for place in job.scratch:
            place.view(expected)[...] = place.view(found)
    stray = np.flatnonzero(expected != found)
    if stray.size:
        raise HeedError(
            f"{', '.join(job.kernel for job, _ in done)}: {stray.size} bytes outside the results "
            f"were written, the first at offset {stray[0]}"
        )


def _compare(who: str, name: str, found: np.ndarray, wanted: np.ndarray) -> None:
    if wanted.shape != found.shape:
        raise HeedError(f"{who}{name} has shape {found.shape}, not {wanted.shape}")
    wrong = np.argwhere(found != wanted)
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise HeedError(
            f"{who}{len(wrong)} elements of {name} are wrong; {name}{list(at)} is {found[at]}, "
            f"but should be {wanted[at]}"
        )
