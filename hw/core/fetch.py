"""Instruction fetch: follows the program ahead of the pipeline, through hardware loops too."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.core.bus import FetchSignature
from hw.core.loops import LOOPS, Loop
from hw.core.types import Fetched

SLOTS = 2
"""Words that fit between memory and decoder: one that arrives and one that was just asked for."""


class Fetch(wiring.Component):
    """Runs ahead of the pipeline, in a straight line and round hardware loops, until redirected.

    A word that arrives goes straight to the decoder; when that does not take it, it waits in one
    of two slots. A request is made only when its word is sure to find room.

    Fetch counts the rounds of hardware loops by itself, ahead of `loops`, which counts what
    retired. After a redirect it starts again from `loops`: nothing is under way then. So whoever
    writes the loops' registers must redirect.

    Parameters
    ----------
    loops : bool
        Whether there are hardware loops.

    Members
    -------
    start : In(1), begins at `boot_address`; ignored afterwards
    boot_address : In(32), a multiple of 4
    running : Out(1), was started
    redirect : In; with `valid` everything fetched so far is dropped and `target` is next. The word
        at `o` must not be taken in that cycle.
    loops : In(Loop).array(2), as of the last instruction that retired
    bus : Out(FetchSignature)
    o : Out(stream of Fetched)

    Timing
    ------
    One word a cycle. A word can be taken in the cycle in which it arrives: one cycle after its
    request, which for `redirect.target` is made in the same cycle.
    Combinational: `redirect` to `bus.req`, `bus.rsp` to `o`. A request may change or go away
    before it is taken.
    """

    def __init__(self, *, loops=True):
        self._has_loops = loops
        super().__init__(
            {
                "start": In(1),
                "boot_address": In(32),
                "running": Out(1),
                "redirect": In(wiring.Signature({"valid": Out(1), "target": Out(32)})),
                "loops": In(Loop).array(LOOPS),
                "bus": Out(FetchSignature()),
                "o": Out(stream.Signature(Fetched)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        slots = [Signal(Fetched, name=f"slot_{i}") for i in range(SLOTS)]
        held = Signal(range(SLOTS + 1))
        in_flight = Signal()  # the word at `last` arrives
        last = Signal(32)
        waiting = Signal(32)  # where to go on when nothing is in flight
        req, rsp, o = self.bus.req, self.bus.rsp, self.o
        arrived = Signal(Fetched)
        following = Signal(32)
        taken = Signal()
        asked = Signal()

        m.d.comb += [
            arrived.insn.eq(rsp.data),
            arrived.error.eq(rsp.error),
            arrived.pc.eq(last),
            following.eq(last + 4),
        ]
        if self._has_loops:
            self._follow_loops(m, in_flight, last, arrived, following)

        m.d.comb += [
            req.payload.eq(Mux(in_flight, following, waiting)),
            req.valid.eq(self.running & (self.redirect.valid | (held + in_flight < SLOTS))),
            asked.eq(req.valid & req.ready),
            o.valid.eq((held != 0) | in_flight),
            o.payload.eq(Mux(held != 0, slots[0], arrived)),
            taken.eq(o.valid & o.ready),
        ]
        with m.If(self.redirect.valid):
            m.d.comb += req.payload.eq(self.redirect.target)
        with m.If(self.running):
            m.d.sync += [in_flight.eq(asked), waiting.eq(req.payload)]
            with m.If(asked):
                m.d.sync += last.eq(req.payload)
        with m.Elif(self.start):
            m.d.sync += [self.running.eq(1), waiting.eq(self.boot_address)]

        with m.If(self.redirect.valid):
            m.d.sync += held.eq(0)
        with m.Else():
            m.d.sync += held.eq(held + in_flight - taken)
            with m.If(taken & (held == 2)):
                m.d.sync += slots[0].eq(slots[1])
            with m.If(in_flight):
                with m.If(held == taken):
                    m.d.sync += slots[0].eq(arrived)
                with m.Elif(held != 0):
                    m.d.sync += slots[1].eq(arrived)
        return m

    def _follow_loops(self, m, in_flight, last, arrived, following):
        """Say which loops end at the word that arrives, and where that leads."""
        restart = Signal(init=1)  # nothing arrived since the last redirect
        matches = Signal(LOOPS)
        again = Signal(LOOPS)
        for number, loop in enumerate(self.loops):
            ahead = Signal(32, name=f"ahead_{number}")
            count = Signal(32, name=f"count_{number}")
            m.d.comb += [
                count.eq(Mux(restart, loop.count, ahead)),
                matches[number].eq((last == (loop.end - 4)[:32]) & (count != 0)),
                again[number].eq(arrived.ends[number] & (count != 1)),
            ]
            with m.If(in_flight):
                m.d.sync += ahead.eq(count - arrived.ends[number])
        m.d.comb += [
            arrived.ends.eq(matches & -matches),  # the lowest
            arrived.loops.eq(again.any()),
        ]
        with m.If(again[0]):
            m.d.comb += following.eq(self.loops[0].start)
        with m.Elif(again[1]):
            m.d.comb += following.eq(self.loops[1].start)
        with m.If(self.redirect.valid):
            m.d.sync += restart.eq(1)
        with m.Elif(in_flight):
            m.d.sync += restart.eq(0)
