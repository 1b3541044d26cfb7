"""Several harts on one data port."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.bus import DataSignature
from hw.tcdm.arbiter import RoundRobinArbiter


class DataArbiter(wiring.Component):
    """Share one data port among harts, round robin, one access at a time.

    Parameters
    ----------
    harts : int
        Initiators, 1 or more.

    Members
    -------
    hart : In(DataSignature).array(harts)
    port : Out(DataSignature)
    owner : Out; whose request `port.req` is, while it is valid

    Timing
    ------
    Adds no cycle. A new request is taken in the cycle of the last one's response, so a target that
    answers after one cycle is used in every cycle. `port.req` follows `hart[i].req`, and
    `hart[i].req.ready` follows `port.req.ready` and all `hart[i].req.valid`, combinationally; so
    do the responses. A request waits for at most one access of every other hart.

    Raises
    ------
    ValueError
        When `harts` is out of range.
    """

    def __init__(self, *, harts):
        if not isinstance(harts, int) or harts < 1:
            raise ValueError(f"harts is {harts!r}, but must be an integer of 1 or more")
        self._harts = harts
        super().__init__(
            {
                "hart": In(DataSignature()).array(harts),
                "port": Out(DataSignature()),
                "owner": Out(range(max(harts, 2))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.arbiter = arbiter = RoundRobinArbiter(requests=self._harts)
        asking = Signal(self._harts)
        pending = Signal()
        answered = Signal.like(arbiter.winner)  # whose access is under way
        free = Signal()
        taken = Signal()
        held = Signal(self._harts)  # a request that waits for the port stays there
        m.d.comb += [
            free.eq(~pending | self.port.rsp.valid),
            asking.eq(Cat(hart.req.valid for hart in self.hart)),
            arbiter.request.eq(Mux(free, Mux(held.any(), held, asking), 0)),
            self.port.req.valid.eq(arbiter.grant.any()),
            self.owner.eq(arbiter.winner),
            taken.eq(self.port.req.valid & self.port.req.ready),
        ]
        m.d.sync += held.eq(Mux(self.port.req.ready, 0, arbiter.grant))
        with m.If(taken):
            m.d.sync += [pending.eq(1), answered.eq(arbiter.winner)]
        with m.Elif(self.port.rsp.valid):
            m.d.sync += pending.eq(0)

        with m.Switch(arbiter.winner):
            for index, hart in enumerate(self.hart):
                with m.Case(index):
                    m.d.comb += self.port.req.payload.eq(hart.req.payload)
        for index, hart in enumerate(self.hart):
            m.d.comb += [
                hart.req.ready.eq(arbiter.grant[index] & self.port.req.ready),
                hart.rsp.valid.eq(self.port.rsp.valid & (answered == index)),
                hart.rsp.data.eq(self.port.rsp.data),
                hart.rsp.error.eq(self.port.rsp.error),
            ]
        return m
