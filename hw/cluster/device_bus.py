"""The devices that harts share: one access at a time, decoded by device window."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.cluster.data_arbiter import DataArbiter
from hw.common.register_bus import RegisterSignature
from hw.config import DEVICE_BASE
from hw.core.bus import DataSignature
from hw.regmap import BLOCKS, EVENTS
from hw.tcdm.bus import TcdmOp

SHARED_BLOCKS = tuple(block for block in BLOCKS if block.built and block is not EVENTS)
"""Devices on this bus: all that are built, but the event unit, which every hart reaches itself."""


class DeviceBus(wiring.Component):
    """Connect harts to the registers of shared devices.

    An access outside the devices' windows, or of an operation that is not a load or a store, is
    answered with `error`.

    Parameters
    ----------
    harts : int
        Initiators, 1 or more.

    Members
    -------
    hart : In(DataSignature).array(harts)
    <block> : Out(RegisterSignature), for each block of `SHARED_BLOCKS` (`engine`, `host`)

    Timing
    ------
    The response comes one cycle after the request is taken; one access a cycle, round robin.

    Raises
    ------
    ValueError
        When `harts` is out of range.
    """

    def __init__(self, *, harts):
        self._arbiter = DataArbiter(harts=harts)
        super().__init__(
            {"hart": In(DataSignature()).array(harts)}
            | {block.name: Out(RegisterSignature()) for block in SHARED_BLOCKS}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.arbiter = arbiter = self._arbiter
        for inner, outer in zip(arbiter.hart, self.hart, strict=True):
            wiring.connect(m, inner, wiring.flipped(outer))

        request, response = arbiter.port.req, arbiter.port.rsp
        plain = Signal()
        fault = Signal(init=1)
        faulted = Signal()
        m.d.comb += plain.eq(
            (request.payload.op == TcdmOp.LOAD) | (request.payload.op == TcdmOp.STORE)
        )
        for block in SHARED_BLOCKS:
            device = getattr(self, block.name)
            window = (DEVICE_BASE + block.offset) >> 12
            m.d.comb += [
                device.req.payload.addr.eq(request.payload.addr[:12]),
                device.req.payload.write.eq(request.payload.op == TcdmOp.STORE),
                device.req.payload.data.eq(request.payload.data),
                device.req.payload.strobe.eq(request.payload.strobe),
            ]
            with m.If(plain & (request.payload.addr[12:] == window)):
                m.d.comb += [
                    fault.eq(0),
                    device.req.valid.eq(request.valid),
                    request.ready.eq(device.req.ready),
                ]
            with m.If(device.rsp.valid):
                m.d.comb += [
                    response.valid.eq(1),
                    response.data.eq(device.rsp.data),
                    response.error.eq(device.rsp.error),
                ]
        with m.If(fault):
            m.d.comb += request.ready.eq(1)
        m.d.sync += faulted.eq(request.valid & fault)
        with m.If(faulted):
            m.d.comb += [response.valid.eq(1), response.error.eq(1)]
        return m
