"""The gate of a loader: holds rows back until the writes that they wait for are performed."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import POSITION_BITS, Gate


class RowGate(wiring.Component):
    """Says whether a step's next row may be fetched (`steps.is_open`, row by row).

    Members
    -------
    gate : In(Gate), a step's
    begin : In, one cycle: the step begins, its row 0 is the next one
    advance : In, one cycle: the row was fetched, the one behind it is the next
    lift : In, one cycle: this step waits for nothing more
    performed : In(24); the writes before this position are performed
    opened : Out; the next row may be fetched

    Timing
    ------
    `opened` depends combinationally on `performed`: one subtraction.
    """

    gate: In(Gate)
    begin: In(1)
    advance: In(1)
    lift: In(1)
    performed: In(POSITION_BITS)
    opened: Out(1)

    def elaborate(self, platform):
        m = Module()
        wait = Signal()
        by_row = Signal()
        position = Signal(POSITION_BITS)  # the writes before it must be performed
        ahead = Signal(POSITION_BITS)
        m.d.comb += [
            ahead.eq(self.performed - position),
            self.opened.eq(~wait | ~ahead[-1]),
        ]
        with m.If(self.advance):
            m.d.sync += position.eq(position + by_row)
        with m.If(self.lift):
            m.d.sync += wait.eq(0)
        with m.If(self.begin):
            m.d.sync += [
                wait.eq(self.gate.wait),
                by_row.eq(self.gate.by_row),
                position.eq(self.gate.position + self.gate.by_row),
            ]
        return m
