"""Random disturbance of a core's surroundings: waiting memories, interrupts."""

from amaranth.hdl import C, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.bench.xorshift import XorShift
from hw.core.bus import DataSignature, FetchSignature
from hw.core.ports import InterruptSignature


class FetchStall(wiring.Component):
    """Lets fetches through in randomly chosen cycles only.

    Members
    -------
    stall : In(8); 256ths of the probability that a request waits in a cycle
    port : In(FetchSignature); the core
    bus : Out(FetchSignature)
    """

    stall: In(8)
    port: In(FetchSignature())
    bus: Out(FetchSignature())

    def __init__(self, *, number):
        self._number = number
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.random = random = XorShift(number=self._number)
        through = random.value[8:16] >= self.stall
        m.d.comb += [
            self.bus.req.payload.eq(self.port.req.payload),
            self.bus.req.valid.eq(self.port.req.valid & through),
            self.port.req.ready.eq(self.bus.req.ready & through),
            self.port.rsp.valid.eq(self.bus.rsp.valid),
            self.port.rsp.data.eq(self.bus.rsp.data),
            self.port.rsp.error.eq(self.bus.rsp.error),
        ]
        return m


class DataStall(wiring.Component):
    """Holds requests and responses of a data port back for a random time.

    The memory's response comes one cycle after its request, and its data stay.

    Members
    -------
    stall : In(8); 256ths of the probability that a request or a response waits in a cycle
    port : In(DataSignature); who asks
    bus : Out(DataSignature); the memory
    """

    stall: In(8)
    port: In(DataSignature())
    bus: Out(DataSignature())

    def __init__(self, *, number):
        self._number = number
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.random = random = XorShift(number=self._number)
        pending = Signal()
        asks = Signal()
        answers = Signal()
        m.d.comb += [
            asks.eq((~pending | answers) & (random.value[8:16] >= self.stall)),
            answers.eq(pending & (random.value[16:24] >= self.stall)),
            self.bus.req.payload.eq(self.port.req.payload),
            self.bus.req.valid.eq(self.port.req.valid & asks),
            self.port.req.ready.eq(self.bus.req.ready & asks),
            self.port.rsp.valid.eq(answers),
            self.port.rsp.data.eq(self.bus.rsp.data),
            self.port.rsp.error.eq(self.bus.rsp.error),
        ]
        with m.If(self.bus.req.valid & self.bus.req.ready):
            m.d.sync += pending.eq(1)
        with m.Elif(answers):
            m.d.sync += pending.eq(0)
        return m


class RandomInterrupts(wiring.Component):
    """Raises interrupts at random, for a few cycles each, besides those that are there.

    Members
    -------
    rate : In(16); 65536ths of the probability that some are raised in a cycle
    real : In(InterruptSignature); levels of the event unit
    levels : Out(InterruptSignature); what the core gets
    """

    rate: In(16)
    real: In(InterruptSignature())
    levels: Out(InterruptSignature())

    def __init__(self, *, number):
        self._number = number
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.random = random = XorShift(number=self._number)
        kept = Signal(3)
        raises = Signal()
        m.d.comb += [
            raises.eq(random.value[:16] < self.rate),
            self.levels.software.eq(self.real.software | kept[0]),
            self.levels.timer.eq(self.real.timer | kept[1]),
            self.levels.external.eq(self.real.external | kept[2]),
        ]
        drops = random.value[16:21] == 0
        with m.If(raises | drops):
            m.d.sync += kept.eq(Mux(raises, random.value[24:27], C(0, 3)))
        return m
