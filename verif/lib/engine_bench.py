"""cocotb side of an `EngineTop`: registers, events, whole memory images, rounds of a campaign."""

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import (
    ClockCycles,
    FallingEdge,
    RisingEdge,
    SimTimeoutError,
    with_timeout,
)

from hw.bench.engine_top import RESET_CYCLES
from hw.common.register_bus import RegisterRequest
from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import ENGINE, STATUS_WORD, Stall, Status
from sw_model.engine import EngineModel, JobResult
from verif.lib.backdoor import Backdoor
from verif.lib.engine_rounds import GRANTS, Course, Round
from verif.lib.engine_words import Words, words_of

PERIOD_NS = 10
JOB_CYCLES = 60
"""Most cycles that a job takes before its descriptor's fetch and after its status is written."""

ROUND_CYCLES = 400_000
CLEAR_CYCLES = 4000
"""Cycles after which a round, or a soft clear, counts as hanging."""


class EngineBench:
    """Drives the engine and compares what it leaves in memory with the model.

    Parameters
    ----------
    dut
        An `EngineTop` as the top module, called `scope`.
    config : ClusterConfig
    scope : str
    """

    def __init__(self, dut, config: ClusterConfig, scope: str):
        self._dut = dut
        self._config = config
        self._request = RegisterRequest()
        self.memory = Backdoor(config.tcdm, f"{scope}.tcdm")
        self.events: list[int] = []
        self.cycles = 0  # of the last `run`
        self.seen = b""  # memory at the event `look_at`
        self._look_at = 0

    async def start(self) -> None:
        """Start the clock and wait for the end of the reset."""
        dut = self._dut
        dut.regs__req__valid.value = 0
        dut.grant.value = 256
        Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
        await ClockCycles(dut.clk, RESET_CYCLES + 2)
        cocotb.start_soon(self._collect())

    async def _collect(self) -> None:
        while True:
            await RisingEdge(self._dut.event__valid)
            self.events.append(int(self._dut.event__mask.value))
            if len(self.events) == self._look_at:
                self.seen = self.memory.dump()

    def grant(self, chance: float) -> None:
        """Let each port through with this probability from now on."""
        self._dut.grant.value = round(256 * chance)

    async def write(self, register: str, value: int) -> None:
        """Write a register."""
        await self._access(register, write=1, data=value, strobe=0xF)

    async def read(self, register: str, index: int = 0) -> int:
        """Return a register's value; of several of that name, that of number `index`."""
        await self._access(register, index)
        await RisingEdge(self._dut.clk)
        return int(self._dut.regs__rsp__data.value)

    async def _access(self, register: str, index: int = 0, **fields: int) -> None:
        offset = ENGINE[register].offset + 4 * index
        bits = self._request.const({"addr": offset, **fields}).as_bits()
        self._dut.regs__req__payload.value = bits
        self._dut.regs__req__valid.value = 1
        await RisingEdge(self._dut.clk)
        self._dut.regs__req__valid.value = 0
        await RisingEdge(self._dut.clk)  # from the top to the engine

    async def state(self) -> dict[str, int]:
        """Return the fields of the state register."""
        value = await self.read("state")
        return {field.name: field.decode(value) for field in ENGINE["state"].fields}

    async def wait_idle(self, cycles: int) -> int:
        """Wait until no job runs or waits; return the cycles that took, at most `cycles`."""
        begin = int(self._dut.cycle.value)
        await RisingEdge(self._dut.clk)
        await RisingEdge(self._dut.clk)
        if self._dut.busy.value:
            try:
                await with_timeout(FallingEdge(self._dut.busy), cycles * PERIOD_NS, "ns")
            except SimTimeoutError:
                raise AssertionError(f"still busy after {cycles} cycles") from None
        assert not self._dut.violation.value, "a request on a port changed or was withdrawn"
        return int(self._dut.cycle.value) - begin

    async def counters(self) -> dict[str, int]:
        """Return the counters; `stalls` is the sum of all of them."""
        names = ("busy", "active", "read", "written", "refused")
        found = {name: await self.read(f"count_{name}") for name in names}
        found["stalls"] = 0
        for cause in Stall:
            found["stalls"] += await self.read("count_stall", cause)
        return found

    async def check_counters(self, what: str, words: Words | None = None) -> None:
        """Fail when the counters do not add up, or do not tell the words read and written."""
        found = await self.counters()
        fits = found["active"] + found["stalls"] == found["busy"]
        assert fits, f"{what}: counters do not add up: {found}"
        if words is not None:
            assert Words(found["read"], found["written"]) == words, f"{what}: {found}, not {words}"

    async def play(self, play: Round) -> int:
        """Run a round and check all that can be known; return how many jobs were done."""
        what, config = str(play), self._config
        course = Course(config, play.image.bytes, play.jobs)
        self.events.clear()
        self.seen, self._look_at = b"", play.look_at
        self.memory.load(bytes(play.image.bytes))
        await self.write("count_clear", 1)
        begin = int(self._dut.cycle.value)
        grants = cocotb.start_soon(self._vary(play.grants))
        try:
            for address, pause in zip(play.doorbells, play.pauses, strict=True):
                if pause:
                    await ClockCycles(self._dut.clk, pause)
                await self.write("doorbell", address)
            if play.clear_after is not None:
                await ClockCycles(self._dut.clk, play.clear_after)
                await self.write("clear", 1)
            await self.wait_idle(ROUND_CYCLES if play.clear_after is None else CLEAR_CYCLES)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None
        finally:
            grants.cancel()
        cycles = int(self._dut.cycle.value) - begin
        got = self.memory.dump()
        state = await self.state()
        ready = {"busy": 0, "halted": 0, "overflow": 0, "free": config.engine.queue_depth}
        assert state == ready, f"{what}: {state}"
        if play.clear_after is not None:
            await self.check_counters(what)
            return course.check_cleared(got, self.events, play.doorbells, what)
        if self.seen:
            ended = course.codes(self.seen)[: play.look_at]
            assert set(ended) <= {None, Status.DONE}, f"{what}: event before status: {ended}"
            course.check(self.seen, play.look_at, what)
        assert self.events == course.masks, f"{what}: events {self.events}, not {course.masks}"
        if any(play.pauses) or min(play.grants)[0] < min(GRANTS):
            cycles = None  # status words take long, too, or nothing happens between jobs
        compare(got, course.last, course.results, what, cycles)
        await self.check_counters(
            what, sum((words_of(config, job.fields) for job in play.jobs), Words())
        )
        return len(play.jobs)

    async def _vary(self, grants: list[tuple[float, int]]) -> None:
        """Let the grants take turns for ever."""
        self.grant(grants[0][0])
        while len(grants) > 1:
            for chance, cycles in grants:
                self.grant(chance)
                await ClockCycles(self._dut.clk, cycles)

    async def run(self, image: bytes, *doorbells: int, cycles: int = 200_000) -> bytes:
        """Load an image, ring the doorbells (addresses), wait for the end, return the image."""
        self.events.clear()
        self.memory.load(bytes(image))
        begin = int(self._dut.cycle.value)
        for address in doorbells:
            await self.write("doorbell", address)
        await self.wait_idle(cycles)
        self.cycles = int(self._dut.cycle.value) - begin
        return self.memory.dump()


def expected(
    config: ClusterConfig, image: bytes, *doorbells: int
) -> tuple[bytearray, list[JobResult]]:
    """Return the image and the results that the model gives, until the first fault."""
    memory = bytearray(image)
    results = []
    for address in doorbells:
        results += EngineModel(config).run(memory, address)
        if results[-1].status != Status.DONE:
            break
    return memory, results


def event_masks(results: list[JobResult]) -> list[int]:
    """Return the masks of the events that these jobs raise."""
    return [result.event_mask for result in results]


def compare(
    got: bytes, want: bytearray, results: list[JobResult], what: str, cycles: int | None = None
) -> None:
    """Fail when images differ.

    The model does not know the cycles in status words: they are left out. Jobs overlap: no job
    takes more than all together (`cycles`), and all of them, when every one has a status word,
    add up to that at least, but for what comes before and after them.
    """
    got = bytearray(got)
    counted = [0]
    for result in results:
        if result.status_address:
            start = result.status_address - TCDM_BASE
            word = STATUS_WORD.unpack(bytes(got[start : start + STATUS_WORD.bytes]))
            counted.append(word["cycles"])
            got[start + 4 : start + 8] = want[start + 4 : start + 8]
    if cycles is not None:
        most = cycles if all(r.status_address for r in results) else 0
        slack = JOB_CYCLES * len(results)
        fits = max(counted) <= cycles and sum(counted) >= most - slack
        assert fits, f"{what}: {counted} of {cycles} cycles"
    if got != want:
        places = np.flatnonzero(np.frombuffer(got, np.uint8) != np.frombuffer(want, np.uint8))
        first = int(places[0])
        raise AssertionError(
            f"{what}: {len(places)} bytes differ, the first at {first:#x}: "
            f"{got[first]:#x} instead of {want[first]:#x}"
        )
