"""Instruction fetch."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.core.bus import FetchSignature
from hw.core.types import Fetched

SLOTS = 2
"""Words that fit between memory and decoder: one that arrives and one that was just asked for."""


class Fetch(wiring.Component):
    """Runs ahead of the pipeline, in a straight line, until it is redirected.

    A word that arrives goes straight to the decoder; when that does not take it, it waits in one
    of two slots. A request is made only when its word is sure to find room.

    Members
    -------
    start : In(1), begins at `boot_address`; ignored afterwards
    boot_address : In(32), a multiple of 4
    running : Out(1), was started
    redirect : In; with `valid` everything fetched so far is dropped and `target` is next. The word
        at `o` must not be taken in that cycle.
    bus : Out(FetchSignature)
    o : Out(stream of Fetched)

    Timing
    ------
    One word a cycle. A word can be taken in the cycle in which it arrives: one cycle after its
    request, which for `redirect.target` is made in the same cycle.
    Combinational: `redirect` to `bus.req`, `bus.rsp` to `o`. A request may change or go away
    before it is taken.
    """

    start: In(1)
    boot_address: In(32)
    running: Out(1)
    redirect: In(wiring.Signature({"valid": Out(1), "target": Out(32)}))
    bus: Out(FetchSignature())
    o: Out(stream.Signature(Fetched))

    def elaborate(self, platform):
        m = Module()
        word = data.StructLayout({"insn": 32, "error": 1})
        slots = [Signal(word, name=f"slot_{i}") for i in range(SLOTS)]
        held = Signal(range(SLOTS + 1))
        in_flight = Signal()
        next_pc = Signal(32)
        pc = Signal(32)  # of the word at `o`
        req, rsp, o = self.bus.req, self.bus.rsp, self.o
        arrived = Signal(word)
        taken = Signal()
        asked = Signal()

        m.d.comb += [
            req.payload.eq(next_pc),
            req.valid.eq(self.running & (self.redirect.valid | (held + in_flight < SLOTS))),
            asked.eq(req.valid & req.ready),
            arrived.insn.eq(rsp.data),
            arrived.error.eq(rsp.error),
            o.valid.eq((held != 0) | rsp.valid),
            o.payload.insn.eq(Mux(held != 0, slots[0].insn, rsp.data)),
            o.payload.error.eq(Mux(held != 0, slots[0].error, rsp.error)),
            o.payload.pc.eq(pc),
            taken.eq(o.valid & o.ready),
        ]
        with m.If(self.redirect.valid):
            m.d.comb += req.payload.eq(self.redirect.target)
        with m.If(self.running):
            m.d.sync += [
                in_flight.eq(asked),
                next_pc.eq(Mux(asked, req.payload + 4, req.payload)),
            ]
        with m.Elif(self.start):
            m.d.sync += [
                self.running.eq(1),
                next_pc.eq(self.boot_address),
                pc.eq(self.boot_address),
            ]

        with m.If(self.redirect.valid):
            m.d.sync += [held.eq(0), pc.eq(self.redirect.target)]
        with m.Else():
            m.d.sync += held.eq(held + rsp.valid - taken)
            with m.If(taken):
                m.d.sync += pc.eq(pc + 4)
                with m.If(held == 2):
                    m.d.sync += slots[0].eq(slots[1])
            with m.If(rsp.valid):
                with m.If(held == taken):
                    # Into the first slot, unless it goes straight through an empty queue.
                    with m.If(~taken | (held != 0)):
                        m.d.sync += slots[0].eq(arrived)
                with m.Elif(held != 0):
                    m.d.sync += slots[1].eq(arrived)
        return m
