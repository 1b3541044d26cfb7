"""Cycles of the attention engine on the RTL, every result compared with the model."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from heed.bench.items import PUBLISHED, Case
from heed.bench.page import renewed
from heed.bench.program import Work
from heed.errors import HeedError
from heed.simulator.engine import EngineRun, EngineSimulator
from hw.bench.traffic import DMA_BYTES, DMA_LANES
from hw.config import TCDM_BASE, ClusterConfig
from hw.presets import PAPER
from hw.regmap import STATUS_WORD, Stall, Status
from sw_model.engine import EngineModel
from sw_model.engine.timing import predict

Progress = Callable[[str], None]
STALLS = tuple(cause.name.lower() for cause in Stall)


@dataclass(frozen=True)
class Traffic:
    """How the other masters fared: words a cycle, longest waits in cycles and their bound."""

    dma_rate: float
    core_rate: float
    dma_wait: int
    core_wait: int
    wait_bound: int


@dataclass(frozen=True)
class Row:
    """What was measured of a case.

    Parameters
    ----------
    name, preset
        The case, and the configuration.
    macs, cycles, utilisation
        Multiply-accumulates, cycles from the doorbell's acceptance to the last event, and the
        share of what the array could have done in that time.
    bound
        Cycles that the datapath takes, if it never waits.
    busy, active, stalls
        The engine's counters: cycles in which a job ran or waited, those with work in them, and
        the others by cause.
    read, written, refused
        The engine's counters of words, and of cycles that requests waited for their banks.
    ends
        Cycles from the doorbell's acceptance to the event of each job.
    predicted
        Cycles by the model, which knows of nobody else who uses the scratchpad: of runs without
        other masters and random refusals.
    published
        Per cent that ITA reaches, where that is known.
    traffic
        Of runs with other masters.
    """

    name: str
    preset: str
    macs: int
    cycles: int
    utilisation: float
    bound: int
    busy: int
    active: int
    stalls: dict[str, int]
    read: int
    written: int
    refused: int
    ends: dict[str, int]
    predicted: int | None
    published: str | None
    traffic: Traffic | None

    def as_dict(self) -> dict:
        """Return it as plain values; without traffic where there was none."""
        values = asdict(self)
        return values if self.traffic else {k: v for k, v in values.items() if k != "traffic"}


def measure(case: Case, config: ClusterConfig, seed: int, progress: Progress) -> Row:
    """Run a case on the RTL.

    Raises
    ------
    HeedError
        A job failed or did not end, a result differs from the model's, the counters do not add
        up, or another master waited for too long.
    """
    work = case.make(config, seed)
    simulator = EngineSimulator.build(work.config, progress=progress)
    progress(f"{config.name}: {case.name}")
    run = simulator.run(
        work.image,
        work.doorbell,
        jobs=len(work.jobs),
        max_cycles=20 * work.bound + 20_000,
        grant=case.grant,
        traffic=case.traffic,
    )
    problem = _check_run(run, work) or _check_image(run.image, work) or _check_counters(run)
    traffic = _traffic(run, work.config) if case.traffic else None
    if traffic and not problem:
        problem = _check_traffic(traffic)
    if problem:
        raise HeedError(f"{case.name} on {config.name}: {problem}")
    cycles = run.ends[-1]
    counters = run.registers
    disturbed = case.traffic or case.grant < 1
    return Row(
        name=case.name,
        preset=config.name,
        macs=work.macs,
        cycles=cycles,
        utilisation=work.macs / (config.engine.macs * cycles),
        bound=work.bound,
        busy=counters["count_busy"],
        active=counters["count_active"],
        stalls=dict(zip(STALLS, counters["count_stall"], strict=True)),
        read=counters["count_read"],
        written=counters["count_written"],
        refused=counters["count_refused"],
        ends=dict(zip(work.jobs, run.ends, strict=True)),
        predicted=None if disturbed else _predict(work),
        published=PUBLISHED.get(case.name) if config == PAPER else None,
        traffic=traffic,
    )


def _predict(work: Work) -> int:
    return predict(work.config, work.image, [work.doorbell]).cycles


def _check_run(run: EngineRun, work: Work) -> str | None:
    """Say what is wrong with how a run ended."""
    if len(run.ends) < len(work.jobs):
        error = run.registers["error"]
        if error:
            where = f"descriptor at {run.registers['error_address']:#x}"
            return f"{Status(error).name} of the {where}"
        return f"{work.jobs[len(run.ends)]} did not end (job {len(run.ends) + 1})"
    if run.busy:
        return "the engine is busy after its last event"
    return "a request on a port changed or was withdrawn" if run.violation else None


def _check_image(got: bytearray, work: Work) -> str | None:
    """Say where the scratchpad differs from the model's.

    Cycles in status words, which the model does not know, are left out; so is what belongs to
    the other masters.
    """
    want = bytearray(work.image)
    for name, result in zip(
        work.jobs, EngineModel(work.config).run(want, work.doorbell), strict=False
    ):
        if result.status != Status.DONE:
            return f"the model ends {name} with {result.status.name}"
        cycles = result.status_address - TCDM_BASE + STATUS_WORD.bytes // 2
        want[cycles : cycles + 4] = got[cycles : cycles + 4]
    end = len(want) - DMA_BYTES
    differ = np.flatnonzero(
        np.frombuffer(got, np.uint8)[:end] != np.frombuffer(want, np.uint8)[:end]
    )
    if not len(differ):
        return None
    first = int(differ[0])
    return (
        f"{len(differ)} bytes differ from the model, the first at {TCDM_BASE + first:#x}: "
        f"{got[first]:#x} instead of {want[first]:#x}"
    )


def _check_counters(run: EngineRun) -> str | None:
    counters = run.registers
    parts = counters["count_active"] + sum(counters["count_stall"])
    if parts != counters["count_busy"]:
        return f"counters of {parts} cycles, but {counters['count_busy']} were busy"
    return None


def _traffic(run: EngineRun, config: ClusterConfig) -> Traffic:
    cycles = max(run.ends[-1:] or [1])
    return Traffic(
        dma_rate=run.granted["dma"] / cycles,
        core_rate=run.granted["core"] / cycles,
        dma_wait=run.waits["dma"],
        core_wait=run.waits["core"],
        wait_bound=config.engine.ports + DMA_LANES + config.workers - 1,
    )


def _check_traffic(traffic: Traffic) -> str | None:
    longest = max(traffic.dma_wait, traffic.core_wait)
    if longest > traffic.wait_bound:
        return f"another master waited {longest} cycles, but the bound is {traffic.wait_bound}"
    return None


HEADINGS = (
    *("item", "MACs", "cycles", "predicted", "utilisation", "of bound", "ITA %"),
    *STALLS,
)


def texts(row: Row) -> list[str]:
    """Return the cells of a row under HEADINGS; stalls in cycles."""
    return [
        row.name,
        f"{row.macs:,}" if row.macs else "",
        f"{row.cycles:,}",
        f"{row.predicted:,}" if row.predicted else "",
        f"{row.utilisation:.1%}" if row.macs else "",
        f"{row.bound / row.cycles:.1%}",
        row.published or "",
        *(f"{count:,}" for count in row.stalls.values()),
    ]


def traffic_text(row: Row) -> str:
    """Return a sentence about a row's other masters."""
    traffic = row.traffic
    return (
        f"{row.name}: DMA lanes got {traffic.dma_rate:.2f} words a cycle and waited at most "
        f"{traffic.dma_wait} cycles, cores {traffic.core_rate:.2f} and {traffic.core_wait}; "
        f"the bound is {traffic.wait_bound}"
    )


MARK = "<!-- Written by `heed bench engine`: -->"
"""Line of a page below which measured tables stand."""


def page(old: str, rows: list[Row]) -> str:
    """Return a page with the rows in the place of what is below MARK.

    Raises
    ------
    HeedError
        There is no such line.
    """
    text = renewed(old, MARK, HEADINGS, map(texts, rows))
    return text + "".join(f"\n{traffic_text(row)}.\n" for row in rows if row.traffic)
