"""Main memory of simulation tops."""

from pathlib import Path

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.config import MAIN_BASE, ClusterConfig
from hw.core.bus import DataSignature, FetchSignature
from hw.tcdm.bus import TcdmOp

MAIN_MEMORY_SOURCES = (Path(__file__).with_name("main_memory.v"),)
"""Hand-written Verilog that a converted main memory instantiates."""


class MainMemory(wiring.Component):
    """Behavioural main memory: `heed_main_memory` of `main_memory.v` behind the cores' buses.

    For Verilog only: Amaranth's own simulator has no such instance. An address outside the memory
    is answered with `error`.

    Parameters
    ----------
    config : ClusterConfig
        Harts and bytes of main memory.

    Members
    -------
    fetch : In(FetchSignature).array(harts)
    data : In(DataSignature); loads and stores only

    Timing
    ------
    Always ready; every port one access a cycle, its response in the next. A fetch in the cycle of
    a store to the same word reads the old one.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "fetch": In(FetchSignature()).array(config.harts),
                "data": In(DataSignature()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        main_bits = self._config.main_bytes.bit_length() - 1
        fetch_data = Signal(32 * self._config.harts)

        def inside(address):
            return address[main_bits:] == MAIN_BASE >> main_bits

        for index, port in enumerate(self.fetch):
            m.d.comb += [
                port.req.ready.eq(1),
                port.rsp.data.eq(fetch_data.word_select(index, 32)),
            ]
            m.d.sync += port.rsp.valid.eq(port.req.valid)
            with m.If(port.req.valid):
                m.d.sync += port.rsp.error.eq(~inside(port.req.payload))

        request = self.data.req.payload
        write = request.op == TcdmOp.STORE
        allowed = inside(request.addr) & (write | (request.op == TcdmOp.LOAD))
        m.d.comb += self.data.req.ready.eq(1)
        m.d.sync += self.data.rsp.valid.eq(self.data.req.valid)
        with m.If(self.data.req.valid):
            m.d.sync += self.data.rsp.error.eq(~allowed)

        m.submodules.words = Instance(
            "heed_main_memory",
            p_WORDS=self._config.main_bytes // 4,
            p_HARTS=self._config.harts,
            i_clk=ClockSignal(),
            i_fetch_en=Cat(port.req.valid for port in self.fetch),
            i_fetch_addr=Cat(port.req.payload[2:main_bits] for port in self.fetch),
            o_fetch_data=fetch_data,
            i_en=self.data.req.valid & allowed,
            i_we=write,
            i_addr=request.addr[2:main_bits],
            i_wdata=request.data,
            i_strobe=request.strobe,
            o_rdata=self.data.rsp.data,
        )
        return m
