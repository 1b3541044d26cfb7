"""cocotb side of an `EngineTop`: registers, events, whole memory images."""

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, with_timeout

from hw.bench.engine_top import RESET_CYCLES
from hw.common.register_bus import RegisterRequest
from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import ENGINE, STATUS_WORD, Status
from sw_model.engine import EngineModel, JobResult
from verif.lib.backdoor import Backdoor

PERIOD_NS = 10
JOB_CYCLES = 60
"""Most cycles that a job takes before its descriptor's fetch and after its status is written."""


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

    def grant(self, chance: float) -> None:
        """Let each port through with this probability from now on."""
        self._dut.grant.value = round(256 * chance)

    async def write(self, register: str, value: int) -> None:
        """Write a register."""
        await self._access(register, write=1, data=value, strobe=0xF)

    async def read(self, register: str) -> int:
        """Return a register's value."""
        await self._access(register)
        await RisingEdge(self._dut.clk)
        return int(self._dut.regs__rsp__data.value)

    async def _access(self, register: str, **fields: int) -> None:
        bits = self._request.const({"addr": ENGINE[register].offset, **fields}).as_bits()
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
            await with_timeout(FallingEdge(self._dut.busy), cycles * PERIOD_NS, "ns")
        assert not self._dut.violation.value, "a request on a port changed or was withdrawn"
        return int(self._dut.cycle.value) - begin

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
