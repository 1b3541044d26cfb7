"""Where a hart's loads and stores go."""

from amaranth.hdl import *
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from hw.common.register_bus import RegisterSignature
from hw.config import DEVICE_BASE, MAIN_BASE, ClusterConfig
from hw.core.bus import DataSignature
from hw.regmap import EVENTS
from hw.tcdm.bus import TcdmOp

_WINDOW_BITS = 12
_DEVICE_BITS = 16


class _Target(enum.Enum, shape=2):
    FAULT = 0
    EVENTS = 1
    DEVICES = 2
    MEMORY = 3


class CorePort(wiring.Component):
    """Decode a hart's accesses beside TCDM: event unit, shared devices, main memory.

    An address outside all of them is answered with `error`, and so is an atomic operation anywhere
    but in main memory.

    Parameters
    ----------
    config : ClusterConfig
        Size of main memory.

    Members
    -------
    core : In(DataSignature)
    events : Out(RegisterSignature); its response may come any number of cycles later (a barrier)
    devices : Out(DataSignature); addresses of the device windows, other than the event unit's
    memory : Out(DataSignature)

    Timing
    ------
    Adds no cycle: every target's request follows `core.req`, and `core.req.ready` the target's
    ready, combinationally; so do the responses. One access at a time, a new one in the cycle of the
    last one's response. Addresses that nothing answers for take one cycle.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "core": In(DataSignature()),
                "events": Out(RegisterSignature()),
                "devices": Out(DataSignature()),
                "memory": Out(DataSignature()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        request = self.core.req.payload
        target = Signal(_Target)
        answering = Signal(_Target)
        pending = Signal()
        free = Signal()
        taken = Signal()
        m.d.comb += [
            free.eq(~pending | self.core.rsp.valid),
            taken.eq(self.core.req.valid & self.core.req.ready),
        ]
        self._decode(m, request, target)
        with m.If(taken):
            m.d.sync += [pending.eq(1), answering.eq(target)]
        with m.Elif(self.core.rsp.valid):
            m.d.sync += pending.eq(0)

        m.d.comb += [
            self.events.req.payload.addr.eq(request.addr[:_WINDOW_BITS]),
            self.events.req.payload.write.eq(request.op == TcdmOp.STORE),
            self.events.req.payload.data.eq(request.data),
            self.events.req.payload.strobe.eq(request.strobe),
            self.devices.req.payload.eq(request),
            self.memory.req.payload.eq(request),
        ]
        ports = {
            _Target.EVENTS: self.events,
            _Target.DEVICES: self.devices,
            _Target.MEMORY: self.memory,
        }
        with m.Switch(target):
            for name, port in ports.items():
                with m.Case(name):
                    m.d.comb += [
                        port.req.valid.eq(self.core.req.valid & free),
                        self.core.req.ready.eq(free & port.req.ready),
                    ]
            with m.Default():
                m.d.comb += self.core.req.ready.eq(free)

        with m.Switch(answering):
            for name, port in ports.items():
                with m.Case(name):
                    m.d.comb += [
                        self.core.rsp.valid.eq(pending & port.rsp.valid),
                        self.core.rsp.data.eq(port.rsp.data),
                        self.core.rsp.error.eq(port.rsp.error),
                    ]
            with m.Default():
                m.d.comb += [self.core.rsp.valid.eq(pending), self.core.rsp.error.eq(1)]
        return m

    def _decode(self, m, request, target):
        main_bits = self._config.main_bytes.bit_length() - 1
        addr = request.addr
        plain = (request.op == TcdmOp.LOAD) | (request.op == TcdmOp.STORE)
        with m.If(plain & (addr[_DEVICE_BITS:] == DEVICE_BASE >> _DEVICE_BITS)):
            with m.If(addr[_WINDOW_BITS:_DEVICE_BITS] == EVENTS.offset >> _WINDOW_BITS):
                m.d.comb += target.eq(_Target.EVENTS)
            with m.Else():
                m.d.comb += target.eq(_Target.DEVICES)
        with m.Elif(addr[main_bits:] == MAIN_BASE >> main_bits):
            m.d.comb += target.eq(_Target.MEMORY)
