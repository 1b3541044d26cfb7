"""Random refusals between a TCDM master and its port."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.bench.xorshift import XorShift
from hw.tcdm.bus import TcdmSignature

GRANT_ALWAYS = 256


class Throttle(wiring.Component):
    """Lets requests through in randomly chosen cycles only.

    Parameters
    ----------
    addr_width : int
        Of the port.
    number : int
        Throttles of different numbers choose differently.

    Members
    -------
    grant : In(9); 256ths of the probability with which requests get through in a cycle
    port : In(TcdmSignature); the master
    bus : Out(TcdmSignature)

    Timing
    ------
    All through paths are combinational. A request that was shown to `bus` and not taken may
    disappear from it again for some cycles: `bus` must choose anew in each.
    """

    def __init__(self, *, addr_width, number):
        self._random = XorShift(number=number)
        signature = TcdmSignature(addr_width=addr_width)
        super().__init__(
            {
                "grant": In(range(GRANT_ALWAYS + 1), init=GRANT_ALWAYS),
                "port": In(signature),
                "bus": Out(signature),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.random = random = self._random
        through = Signal()
        m.d.comb += [
            through.eq(random.value[8:16] < self.grant),
            self.bus.req.payload.eq(self.port.req.payload),
            self.bus.req.valid.eq(self.port.req.valid & through),
            self.port.req.ready.eq(self.bus.req.ready & through),
            self.port.rsp.valid.eq(self.bus.rsp.valid),
            self.port.rsp.data.eq(self.bus.rsp.data),
        ]
        return m
