"""Where a hart's instructions come from."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import MAIN_BASE, TCDM_BASE, ClusterConfig
from hw.core.bus import FetchSignature
from hw.tcdm.bus import TcdmOp, TcdmSignature


class FetchPort(wiring.Component):
    """Decode a hart's instruction fetches: main memory at full speed, TCDM slowly.

    Fetches from TCDM share the hart's TCDM port with its loads and stores, which go first unless a
    fetch already waits at the port. They are for small programs: a word is read anew for every
    instruction, so that a write to it, by anyone, is seen by the next fetch. An address in neither
    is answered with `error`.

    Parameters
    ----------
    config : ClusterConfig
        Sizes of TCDM and main memory.

    Members
    -------
    core : In(FetchSignature)
    memory : Out(FetchSignature); main memory only
    data : In(TcdmSignature); the hart's loads and stores
    tcdm : Out(TcdmSignature)

    Timing
    ------
    Main memory: adds no cycle, combinational both ways. TCDM: three cycles an instruction, more
    when banks are busy; no combinational path leads from `core` to `tcdm`. Loads and stores: no
    cycle added, combinational both ways.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        tcdm = TcdmSignature(addr_width=config.tcdm.addr_width)
        super().__init__(
            {
                "core": In(FetchSignature()),
                "memory": Out(FetchSignature()),
                "data": In(tcdm),
                "tcdm": Out(tcdm),
            }
        )

    def elaborate(self, platform):
        m = Module()
        tcdm_bits = self._config.tcdm.addr_width
        main_bits = self._config.main_bytes.bit_length() - 1
        request, response = self.core.req, self.core.rsp
        in_tcdm = Signal()
        in_main = Signal()
        outside = Signal()
        ready_word = Signal()
        word = Signal(32)
        m.d.comb += [
            in_tcdm.eq(request.payload[tcdm_bits:] == TCDM_BASE >> tcdm_bits),
            in_main.eq(request.payload[main_bits:] == MAIN_BASE >> main_bits),
            self.memory.req.payload.eq(request.payload),
            self.memory.req.valid.eq(request.valid & in_main),
        ]
        self._fetch_tcdm(m, request.valid & in_tcdm, ready_word, word)

        with m.If(in_main):
            m.d.comb += request.ready.eq(self.memory.req.ready)
        with m.Elif(in_tcdm):
            m.d.comb += request.ready.eq(ready_word)
        with m.Else():
            m.d.comb += request.ready.eq(1)

        from_tcdm = Signal()
        held = Signal(32)
        m.d.sync += [
            outside.eq(request.valid & ~in_main & ~in_tcdm),
            from_tcdm.eq(request.valid & in_tcdm & ready_word),
        ]
        with m.If(ready_word):
            m.d.sync += held.eq(word)
        m.d.comb += [
            response.valid.eq(self.memory.rsp.valid | from_tcdm | outside),
            response.data.eq(self.memory.rsp.data),
            response.error.eq((self.memory.rsp.valid & self.memory.rsp.error) | outside),
        ]
        with m.If(from_tcdm):
            m.d.comb += response.data.eq(held)
        return m

    def _fetch_tcdm(self, m, wanted, ready_word, word):
        """Read the wanted word when the hart's port is free, and offer it for one cycle."""
        offset = self.core.req.payload[: self._config.tcdm.addr_width]
        address = Signal(self._config.tcdm.addr_width)
        asking = Signal()
        presented = Signal()
        fetching = Signal()
        granted = Signal()
        answered = Signal()
        m.d.comb += [
            fetching.eq(asking & (presented | ~self.data.req.valid)),
            granted.eq(fetching & self.tcdm.req.ready),
            word.eq(Mux(address[2], self.tcdm.rsp.data[32:], self.tcdm.rsp.data[:32])),
            ready_word.eq(answered & wanted & (address == offset)),
        ]
        m.d.sync += [presented.eq(fetching & ~granted), answered.eq(granted)]
        with m.If(granted):
            m.d.sync += asking.eq(0)
        with m.Elif(wanted & ~asking & ~answered):
            m.d.sync += [asking.eq(1), address.eq(offset)]

        m.d.comb += [
            self.tcdm.req.valid.eq(self.data.req.valid | asking),
            self.data.req.ready.eq(self.tcdm.req.ready & ~fetching),
            self.data.rsp.valid.eq(self.tcdm.rsp.valid & ~answered),
            self.data.rsp.data.eq(self.tcdm.rsp.data),
        ]
        with m.If(fetching):
            m.d.comb += [
                self.tcdm.req.payload.op.eq(TcdmOp.LOAD),
                self.tcdm.req.payload.addr.eq(address),
            ]
        with m.Else():
            m.d.comb += self.tcdm.req.payload.eq(self.data.req.payload)
