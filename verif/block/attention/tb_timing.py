"""Runs inside the simulator: how long random jobs take, beside what the cycle model says.

Where there are many banks, the engine's own requests hardly ever meet at one. Where there are few,
the model places them in an order of its own, and errors are larger.
"""

import os
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from hw.regmap import Kind
from sw_model.engine.timing import predict
from verif.block.attention.timing_config import find_timing_config
from verif.lib.engine_bench import EngineBench
from verif.lib.engine_chains import random_queue, ring
from verif.lib.engine_jobs import GENERATORS, Full, Image

CONFIG = find_timing_config(os.environ["CONFIG"])
JOBS = int(os.environ["JOBS"])
LARGEST = int(os.environ["LARGEST"])
ERROR = float(os.environ["ERROR"])
SHORT, SHORT_ERROR = 1000, 10
"""Runs of fewer cycles than the one may be off by the other besides."""

FULL, HARD_ERROR = 2 / 3, 0.2
"""Where the ports are busy for more than this part of the time, who goes first decides. So it does
in attention with blocks of one row, whose weights leave a head's entry no room."""

MAX_CYCLES = 400_000


@dataclass(frozen=True)
class Comparison:
    """Cycles of a run on the RTL and as predicted; the ports' load, and how often they waited."""

    what: str
    measured: int
    predicted: int
    load: float
    refused: int
    hard: bool

    @property
    def error(self) -> float:
        return self.predicted / self.measured - 1

    @property
    def fits(self) -> bool:
        """Whether the error is small enough. Each cycle of waiting may have cost one more."""
        allowed = self.measured * (HARD_ERROR if self.hard else ERROR) + self.refused
        allowed += SHORT_ERROR * (self.measured < SHORT)
        return abs(self.predicted - self.measured) <= allowed

    def __str__(self) -> str:
        return (
            f"{self.what:12} {self.measured:7} measured {self.predicted:7} predicted "
            f"{self.error:+7.1%}  load {self.load:4.0%}  refused {self.refused:5}"
        )


class Clock:
    """Notes the cycles of the doorbell and of events, which `EngineBench` does not tell."""

    def __init__(self, dut):
        self._dut = dut
        self.events: list[int] = []
        cocotb.start_soon(self._collect())

    async def _collect(self) -> None:
        while True:
            await RisingEdge(self._dut.event__valid)
            self.events.append(int(self._dut.cycle.value))

    def now(self) -> int:
        return int(self._dut.cycle.value)


async def compare(dut, bench, clock, what, image, doorbells, jobs) -> Comparison:
    """Run jobs and predict them."""
    bench.memory.load(bytes(image.bytes))
    # Whose turn it is among ports and readers is left over from earlier jobs.
    await bench.write("clear", 1)
    await bench.wait_idle(MAX_CYCLES)
    await bench.write("count_clear", 1)
    await RisingEdge(dut.clk)
    clock.events.clear()
    begin = clock.now() + 2  # the top takes the request in the next cycle, then the engine
    for address in doorbells:
        await bench.write("doorbell", address)
    await bench.wait_idle(MAX_CYCLES)
    assert len(clock.events) == len(jobs), f"{what}: {len(clock.events)} of {len(jobs)} jobs"
    refused = await bench.read("count_refused")
    prediction = predict(CONFIG, image.bytes, doorbells)
    load = prediction.words / (CONFIG.engine.ports * prediction.cycles)
    hard = load > FULL or any(job.fields.get("block_rows") == 1 for job in jobs)
    return Comparison(what, clock.events[-1] - begin, prediction.cycles, load, refused, hard)


async def begin(dut) -> tuple[EngineBench, Clock]:
    bench = EngineBench(dut, CONFIG, "top")
    await bench.start()
    return bench, Clock(dut)


def judge(found: list[Comparison]) -> None:
    """Print comparisons, the worst last, and fail unless all of them fit."""
    for comparison in sorted(found, key=lambda c: abs(c.error)):
        print(comparison)
    misfits = [str(comparison) for comparison in found if not comparison.fits]
    assert not misfits, misfits
    mean = np.mean([abs(comparison.error) for comparison in found])
    print(f"mean error {mean:.2%} of {len(found)}")
    assert mean < 0.02


def test_of(kind: Kind):
    """Return a test of random single jobs of a kind."""

    async def single(dut):
        bench, clock = await begin(dut)
        found = []
        for seed in range(JOBS):
            image = Image(CONFIG, np.random.default_rng((kind, seed)))
            try:
                job = GENERATORS[kind](image, LARGEST)
            except Full:
                continue
            what = f"{kind.name.lower()} {seed}"
            found.append(await compare(dut, bench, clock, what, image, [job.address], [job]))
        assert len(found) > JOBS / 2
        judge(found)

    single.__name__ = single.__qualname__ = kind.name.lower()
    return cocotb.test(timeout_time=1000, timeout_unit="ms")(single)


linear, attention, layernorm, elementwise, copy = map(test_of, Kind)


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def queues(dut):
    """Chains behind several doorbells, of jobs many of which wait for one another."""
    bench, clock = await begin(dut)
    found = []
    for seed in range(JOBS):
        image = Image(CONFIG, np.random.default_rng(seed))
        jobs = random_queue(image, 5)
        doorbells = ring(jobs, CONFIG.engine.queue_depth)
        found.append(await compare(dut, bench, clock, f"queue {seed}", image, doorbells, jobs))
    judge(found)
