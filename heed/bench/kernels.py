"""Cycles of the kernels on the cores of the RTL, each result compared with the reference."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from heed.bench.page import renewed
from heed.errors import HeedError
from heed.simulator import Simulator
from heed.simulator.iss import IssSimulator
from heed.simulator.result import RunResult
from heed.toolchain import compile, symbols
from heed.toolchain.compiler import FIRMWARE, KERNELS
from heed.toolchain.kernels import CoreEntries
from hw.config import ClusterConfig
from sw_model import ops

Progress = Callable[[str], None]
CORES = (1, 2, 4, 8)
"""On how many cores each kernel is measured, as far as a configuration has them."""
STACK_BYTES = 2048
BLOCK = 4
"""Rows and columns of the sums that a core keeps in registers."""


@dataclass(frozen=True)
class Matmul:
    """A product of int8 matrices, requantised for each column.

    Parameters
    ----------
    name
    rows, columns, inner
        Sizes of the result, and of the sums.
    """

    name: str
    rows: int
    columns: int
    inner: int

    @property
    def macs(self) -> int:
        return self.rows * self.columns * self.inner

    @property
    def bound(self) -> float:
        """Most MACs a cycle of a core.

        A step of a block is 8 loads and 16 dot products of 4, and a block ends with 16
        requantisations and 4 stores.
        """
        steps = self.inner / 4
        return BLOCK * BLOCK * self.inner / (steps * (2 * BLOCK + BLOCK * BLOCK) + 20)


MATMULS = (Matmul("matmul-k64", 64, 64, 64), Matmul("matmul-k192", 64, 64, 192))


@dataclass(frozen=True)
class Row:
    """What was measured.

    Parameters
    ----------
    name
        Of the kernel.
    cores
    macs
        Multiply-accumulates in all.
    cycles
        From the barrier before the kernel to the one behind it.
    bound
        Most MACs a cycle that the instructions of all cores allow.
    estimate
        Cycles on the instruction-set simulator, which knows no conflicts in the scratchpad.
    """

    name: str
    cores: int
    macs: int
    cycles: int
    bound: float
    estimate: int

    @property
    def mac_per_cycle(self) -> float:
        return self.macs / self.cycles

    def as_dict(self) -> dict:
        """Return it as plain values, the derived one too."""
        return asdict(self) | {"mac_per_cycle": self.mac_per_cycle}


def _stride(columns: int) -> int:
    """Return the distance of rows: the kernel wants multiples of 4."""
    return -(-columns // 4) * 4


def _rows(matrix: np.ndarray) -> bytes:
    """Return a matrix of bytes with rows that begin at multiples of 4."""
    columns = matrix.shape[1]
    return np.pad(matrix, ((0, 0), (0, _stride(columns) - columns))).tobytes()


class Work:
    """A kernel's program and its operands.

    Parameters
    ----------
    matmul
    config
    seed
        Of all values.
    """

    def __init__(self, matmul: Matmul, config: ClusterConfig, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.matmul = matmul
        self.elf = self._compile(config)
        x = rng.integers(-128, 128, (matmul.rows, matmul.inner)).astype(np.int8)
        w = rng.integers(-127, 128, (matmul.columns, matmul.inner)).astype(np.int8)
        size = matmul.columns
        entries = CoreEntries(
            bias=rng.integers(-1000, 1001, size),
            mul=rng.integers(1 << 15, 1 << 16, size),
            shift=np.full(size, 22 + matmul.inner.bit_length() // 2),
            zero=rng.integers(-20, 21, size),
        )
        self.result = ops.linear(x, w, entries.entry)
        self._place(x, w, entries)

    def _compile(self, config: ClusterConfig) -> Path:
        sizes = self.matmul
        defines = {
            "ROWS": sizes.rows,
            "COLUMNS": sizes.columns,
            "INNER": sizes.inner,
            "X_STRIDE": _stride(sizes.inner),
            "W_STRIDE": _stride(sizes.inner),
            "Y_STRIDE": _stride(sizes.columns),
        }
        sources = [FIRMWARE / "bench" / "kernels_linear.c", KERNELS / "linear.c"]
        return compile(sources, config=config, defines=defines, stack_bytes=STACK_BYTES)

    def _place(self, x: np.ndarray, w: np.ndarray, entries: CoreEntries) -> None:
        names = symbols(self.elf)
        self.loads = [
            (names["bench_x"], _rows(x)),
            (names["bench_w"], _rows(w)),
            (names["bench_entries"], entries.bytes()),
        ]
        self.dump = (names["bench_y"], len(_rows(self.result)))

    def cycles(self, simulator: Simulator | IssSimulator, cores: int) -> int:
        """Run it on some cores.

        Raises
        ------
        HeedError
            The program fails, or its result is wrong.
        """
        run: RunResult = simulator.run(self.elf, harts=cores, loads=self.loads, dumps=[self.dump])
        if run.status:
            raise HeedError(f"exit status {run.status}: {run.trap or 'the program failed'}")
        rows, columns = self.result.shape
        found = np.frombuffer(run.dumps[0], np.int8).reshape(rows, -1)[:, :columns]
        if wrong := np.argwhere(found != self.result).tolist():
            row, column = wrong[0]
            raise HeedError(
                f"{len(wrong)} results are wrong; row {row}, column {column} is "
                f"{found[row, column]}, but should be {self.result[row, column]}"
            )
        return run.mailbox[0][1]


def measure(matmul: Matmul, config: ClusterConfig, progress: Progress) -> list[Row]:
    """Measure a kernel on 1, 2, 4, 8 cores of the RTL.

    Raises
    ------
    HeedError
        A program fails, or a result is wrong.
    """
    simulator = Simulator.build(config, progress=progress)
    iss = IssSimulator(config, progress)
    rows = []
    work = Work(matmul, config)
    for cores in CORES:
        if cores > config.workers:
            break
        progress(f"{config.name}: {matmul.name} on {cores}")
        try:
            rows.append(
                Row(
                    name=matmul.name,
                    cores=cores,
                    macs=matmul.macs,
                    cycles=work.cycles(simulator, cores),
                    bound=cores * matmul.bound,
                    estimate=work.cycles(iss, cores),
                )
            )
        except HeedError as error:
            raise HeedError(f"{matmul.name} on {cores} cores: {error.message}") from None
    return rows


HEADINGS = ("kernel", "cores", "MACs", "cycles", "MAC/cycle", "bound", "of the bound", "estimate")


def texts(row: Row) -> list[str]:
    """Return the cells of a row under HEADINGS."""
    return [
        row.name,
        str(row.cores),
        f"{row.macs:,}",
        f"{row.cycles:,}",
        f"{row.mac_per_cycle:.2f}",
        f"{row.bound:.2f}",
        f"{row.mac_per_cycle / row.bound:.1%}",
        f"{row.estimate:,}",
    ]


MARK = "<!-- Written by `heed bench kernels`: -->"
"""Line of a page below which the measured table stands."""


def page(old: str, rows: list[Row]) -> str:
    """Return a page with the rows in the place of what is below MARK.

    Raises
    ------
    HeedError
        There is no such line.
    """
    return renewed(old, MARK, HEADINGS, map(texts, rows))
