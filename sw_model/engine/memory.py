"""What a job sees of the TCDM: operands as matrices, tables of parameter entries."""

from dataclasses import dataclass

import numpy as np

from hw.config import TCDM_BASE
from hw.regmap import Layout

Shapes = dict[str, tuple[int, ...]]
"""Shape [heads, rows, columns] of each operand that a job wrote, by its name."""


@dataclass(frozen=True)
class Operand:
    """One operand of a job: where its heads and rows lie.

    Parameters
    ----------
    base : int
        Address of the first row of the first head.
    row_stride, head_stride : int
        Bytes from one row, one head to the next.
    """

    base: int
    row_stride: int
    head_stride: int

    @classmethod
    def of(cls, fields: dict[str, int], name: str) -> "Operand":
        """Take operand `name` (x, w, r, y or s) out of the fields of a descriptor."""
        return cls(*(fields[f"{name}_{part}"] for part in ("base", "row_stride", "head_stride")))

    def _offsets(self, head: int, first: int, rows: int, size: int) -> np.ndarray:
        start = self.base - TCDM_BASE + head * self.head_stride
        row = first + np.arange(rows, dtype=np.int64)[:, None]
        return start + row * self.row_stride + np.arange(size, dtype=np.int64)

    def read(
        self, memory: bytearray, head: int, rows: int, columns: int, dtype: str, first: int = 0
    ) -> np.ndarray:
        """Return [rows, columns] elements of `dtype` of a head, from row `first` on."""
        size = columns * np.dtype(dtype).itemsize
        image = np.frombuffer(memory, np.uint8)
        return image[self._offsets(head, first, rows, size)].view(f"<{np.dtype(dtype).str[1:]}")

    def write(self, memory: bytearray, head: int, values: np.ndarray, first: int = 0) -> None:
        """Store [rows, columns] elements from row `first` of a head on; no byte beyond a row."""
        rows = np.ascontiguousarray(values).view(np.uint8)
        image = np.frombuffer(memory, np.uint8)
        image[self._offsets(head, first, *rows.shape)] = rows


def read_records(
    memory: bytearray, layout: Layout, base: int, first: int, count: int
) -> dict[str, np.ndarray]:
    """Return the fields of `count` records of a table at `base`, from record `first` on."""
    start = base - TCDM_BASE + first * layout.bytes
    records = [
        layout.unpack(memory[start + n * layout.bytes : start + (n + 1) * layout.bytes])
        for n in range(count)
    ]
    return {name: np.array([record[name] for record in records]) for name in layout.names}
