"""cocotb side of a `FlatTcdm`: issues traffic and shows every cycle to a scoreboard."""

from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.triggers import ClockCycles, RisingEdge

from hw.config import TcdmConfig
from verif.lib.tcdm_scoreboard import Scoreboard
from verif.lib.tcdm_traffic import Masters

PERIOD_NS = 10


async def start(dut: HierarchyObject) -> None:
    """Start the clock, with all masters silent, and reset."""
    dut.valid.value = 0
    dut.request.value = 0
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0


class TcdmDriver:
    """Moves the requests of all masters into the design, three wide signals a cycle.

    Parameters
    ----------
    dut
        A `FlatTcdm` at the top.
    config
        Its scratchpad's configuration.
    masters
        Who asks.
    scoreboard
        Who checks.
    """

    def __init__(
        self,
        dut: HierarchyObject,
        config: TcdmConfig,
        masters: Masters,
        scoreboard: Scoreboard,
    ) -> None:
        self._dut = dut
        self._addr_width = config.addr_width
        self._width = 4 + config.addr_width + 64 + 8
        self._masters = masters
        self._scoreboard = scoreboard

    async def run(self, cycles: int) -> None:
        """Run traffic for some cycles, then let what waits finish, and check that all is done.

        Ends sooner when the masters are done.
        """
        for _ in range(cycles):
            if self._masters.done:
                break
            await self._cycle()
        self._masters.stop()
        while self._masters.valid:
            await self._cycle()
        await self._cycle()
        self._scoreboard.finish()
        await RisingEdge(self._dut.clk)  # the last request may be an AMO: now it has written

    async def _cycle(self) -> None:
        """Drive after one clock edge and sample at the next, before anything changes."""
        dut, masters = self._dut, self._masters
        packed = 0
        for request in reversed(masters.requests):
            packed = packed << self._width | (request.pack(self._addr_width) if request else 0)
        dut.valid.value = masters.valid
        dut.request.value = packed
        await RisingEdge(dut.clk)
        ready = int(dut.ready.value)
        rsp_valid = int(dut.rsp_valid.value)
        # Data means something with a response only: before the first, banks have read nothing.
        rsp_data = int(dut.rsp_data.value) if rsp_valid else 0
        self._scoreboard.cycle(masters.requests, ready, rsp_valid, rsp_data)
        masters.advance(ready, rsp_valid, rsp_data)
