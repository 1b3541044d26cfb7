"""Cycles of the kernels on the cores of the RTL, each result compared with the reference."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from heed.bench.kernel_convolutions import CONVOLUTION_ITEMS
from heed.bench.kernel_dialect import DIALECT_ITEMS
from heed.bench.kernel_elements import ELEMENT_ITEMS
from heed.bench.kernel_items import MATRIX_ITEMS, Item, Work
from heed.bench.page import renewed
from heed.errors import HeedError
from heed.kernels import Cluster, check
from heed.simulator import Simulator
from heed.simulator.iss import IssSimulator
from hw.config import ClusterConfig, TcdmConfig

ITEMS = (*MATRIX_ITEMS, *ELEMENT_ITEMS, *CONVOLUTION_ITEMS, *DIALECT_ITEMS)
"""What `heed bench kernels` measures."""

Progress = Callable[[str], None]
CORES = (1, 2, 4, 8)
"""On how many cores each kernel is measured, as far as a configuration has them."""

TCDM_BYTES = 512 << 10
"""The attention layer's weights alone take 262 kB."""


def deep(config: ClusterConfig) -> ClusterConfig:
    """Return a configuration with as many banks, deep enough for the operands of every item."""
    tcdm = TcdmConfig(banks=config.tcdm.banks, bank_bytes=TCDM_BYTES // config.tcdm.banks)
    return dataclasses.replace(config, name=f"{config.name}_deep", tcdm=tcdm)


@dataclass(frozen=True)
class Row:
    """What was measured.

    Parameters
    ----------
    name
        Of the kernel.
    cores
    macs, elements
        Multiply-accumulates in all, or results; 0 where they are not what counts.
    cycles
        From the barrier before the kernel to the one behind it.
    bound
        Least cycles that the instructions of all cores allow; 0 where nobody counted.
    estimate
        Cycles on the instruction-set simulator, which knows no conflicts in the scratchpad.
    published
        Cycles of GAP8's published library on as many cores, or None.
    speedup
        Over one core.
    """

    name: str
    cores: int
    macs: int
    elements: int
    cycles: int
    bound: float
    estimate: int
    published: float | None
    speedup: float

    @property
    def mac_per_cycle(self) -> float:
        return self.macs / self.cycles

    def as_dict(self) -> dict:
        """Return it as plain values, the derived one too."""
        return asdict(self) | {"mac_per_cycle": self.mac_per_cycle}


def cycles(cluster: Cluster, work: Work, cores: int) -> int:
    """Return the cycles of some work.

    Raises
    ------
    HeedError
        The program fails, or a result is wrong.
    """
    run = cluster.run(work.image, [job for job, _ in work.done], cores)
    check(work.image, run.memory, work.done)
    return run.cycles


def measure(items: Sequence[Item], config: ClusterConfig, progress: Progress) -> list[Row]:
    """Measure items on 1, 2, 4, 8 cores of the RTL, with a deep scratchpad.

    Raises
    ------
    HeedError
        A program fails, or a result is wrong.
    """
    config = deep(config)
    rtl = Cluster(Simulator.build(config, progress=progress))
    iss = Cluster(IssSimulator(config, progress))
    rows = []
    for item in items:
        work, alone = item.build(), 0
        for cores in (cores for cores in CORES if cores <= config.workers):
            progress(f"{config.name}: {item.name} on {cores}")
            try:
                taken, estimate = (cycles(target, work, cores) for target in (rtl, iss))
            except HeedError as error:
                raise HeedError(f"{item.name} on {cores} cores: {error.message}") from None
            alone = alone or taken
            rows.append(
                Row(
                    name=item.name,
                    cores=cores,
                    macs=item.macs,
                    elements=item.elements,
                    cycles=taken,
                    bound=item.bound / cores,
                    estimate=estimate,
                    published=item.published.get(cores),
                    speedup=alone / taken,
                )
            )
    return rows


HEADINGS = (
    "kernel",
    "cores",
    "work",
    "cycles",
    "rate",
    "speed-up",
    "of the bound",
    "estimate",
    "GAP8",
)


def texts(row: Row) -> list[str]:
    """Return the cells of a row under HEADINGS."""
    if row.macs:
        work, rate = f"{row.macs:,} MACs", f"{row.mac_per_cycle:.2f} MAC/cycle"
        published = row.published and f"{row.macs / row.published:.2f} MAC/cycle"
    else:
        work, rate = f"{row.elements:,} elements", f"{row.cycles / row.elements:.2f} cycles each"
        published = None
    return [
        row.name,
        str(row.cores),
        work,
        f"{row.cycles:,}",
        rate,
        f"{row.speedup:.2f}",
        f"{row.bound / row.cycles:.1%}" if row.bound else "",
        f"{row.estimate:,}",
        published or "",
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
