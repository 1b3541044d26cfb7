"""Sequential divider."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

STEPS = 32


class Divider(wiring.Component):
    """`div`, `divu`, `rem` and `remu` of the M extension, one quotient bit a cycle.

    Restoring division of the magnitudes, signs put back at the end. Division by zero gives a
    quotient of all ones and the dividend as remainder; -2^31 / -1 gives -2^31 and 0.

    Members
    -------
    start : In(1), takes the operands; ignored while busy
    op : In(2), bit 0 unsigned, bit 1 remainder; must hold until `done`
    a, b : In(32), sampled with `start`
    busy : Out(1), a division is under way or its result waits
    done : Out(1), `result` is valid, for one cycle
    result : Out(32)

    Timing
    ------
    `done` comes 33 cycles after `start`; a new start is possible in the cycle after `done`.
    """

    start: In(1)
    op: In(2)
    a: In(32)
    b: In(32)
    busy: Out(1)
    done: Out(1)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        count = Signal(range(STEPS + 1))
        # `rest` shifts left into `remainder`; quotient bits take its place from the right.
        rest = Signal(32)
        remainder = Signal(32)
        divisor = Signal(32)
        negate_quotient = Signal()
        negate_remainder = Signal()

        signed = ~self.op[0]
        a_negative = signed & self.a[31]
        b_negative = signed & self.b[31]
        trial = Signal(33)
        difference = Signal(34)
        m.d.comb += [
            trial.eq(Cat(rest[31], remainder)),
            difference.eq(trial - divisor),
            self.done.eq(self.busy & (count == 0)),
        ]
        with m.If(self.busy):
            with m.If(self.done):
                m.d.sync += self.busy.eq(0)
            with m.Else():
                fits = ~difference[33]
                m.d.sync += [
                    count.eq(count - 1),
                    remainder.eq(Mux(fits, difference[:32], trial[:32])),
                    rest.eq(Cat(fits, rest[:31])),
                ]
        with m.Elif(self.start):
            m.d.sync += [
                self.busy.eq(1),
                count.eq(STEPS),
                remainder.eq(0),
                rest.eq(Mux(a_negative, -self.a, self.a)),
                divisor.eq(Mux(b_negative, -self.b, self.b)),
                negate_quotient.eq((a_negative ^ b_negative) & (self.b != 0)),
                negate_remainder.eq(a_negative),
            ]
        with m.If(self.op[1]):
            m.d.comb += self.result.eq(Mux(negate_remainder, -remainder, remainder))
        with m.Else():
            m.d.comb += self.result.eq(Mux(negate_quotient, -rest, rest))
        return m
