"""Sequential divider."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Divider(wiring.Component):
    """`div`, `divu`, `rem` and `remu` of the M extension, one quotient bit a cycle.

    Restoring division of the magnitudes, signs put back at the end. The divisor is first shifted
    left until its highest bit is where the dividend's is, so leading zeros of the quotient cost
    nothing. Division by zero gives a quotient of all ones and the dividend as remainder;
    -2^31 / -1 gives -2^31 and 0.

    Members
    -------
    start : In(1), takes the operands; ignored while busy
    op : In(8), bit 0 unsigned, bit 1 remainder; the others are ignored
    a, b : In(32), dividend and divisor
    busy : Out(1), a division is under way or its result waits
    done : Out(1), `result` is there; until `ack`
    ack : In(1), the result is taken; ignored without `done`
    result : Out(32)

    Timing
    ------
    `done` comes `2 + steps` cycles after `start`. With the magnitudes |a| and |b| (of signed
    operands their absolute values) `steps` is 0 when b = 0 or |a| < |b|, otherwise
    `bits(|a|) - bits(|b|) + 1`, bits(x) being the position of the highest 1, counted from 1. That
    makes 2 to 34 cycles. A new start is possible in the cycle after `ack`.
    """

    start: In(1)
    op: In(8)
    a: In(32)
    b: In(32)
    busy: Out(1)
    done: Out(1)
    ack: In(1)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        remainder = Signal(32)
        divisor = Signal(32)
        quotient = Signal(32)
        steps = Signal(6)
        wants_remainder = Signal()
        negate_quotient = Signal()
        negate_remainder = Signal()

        signed = ~self.op[0]
        a_negative = signed & self.a[31]
        b_negative = signed & self.b[31]
        difference = Signal(33)
        fits = Signal()
        distance = Signal(5)
        m.d.comb += [
            difference.eq(remainder - divisor),
            fits.eq(~difference[32]),
            distance.eq(_highest(m, remainder, "dividend") - _highest(m, divisor, "divisor")),
        ]
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [
                        remainder.eq(Mux(a_negative, -self.a, self.a)),
                        divisor.eq(Mux(b_negative, -self.b, self.b)),
                        quotient.eq(0),
                        wants_remainder.eq(self.op[1]),
                        negate_quotient.eq(a_negative ^ b_negative),
                        negate_remainder.eq(a_negative),
                    ]
                    m.next = "ALIGN"
            with m.State("ALIGN"):
                m.d.comb += self.busy.eq(1)
                m.d.sync += [divisor.eq(divisor << distance), steps.eq(distance + 1)]
                m.next = "DONE"
                with m.If(divisor == 0):
                    m.d.sync += [quotient.eq(0xFFFFFFFF), negate_quotient.eq(0)]
                with m.Elif(fits):
                    m.next = "STEP"
            with m.State("STEP"):
                m.d.comb += self.busy.eq(1)
                m.d.sync += [
                    quotient.eq(Cat(fits, quotient)),
                    divisor.eq(divisor >> 1),
                    steps.eq(steps - 1),
                ]
                with m.If(fits):
                    m.d.sync += remainder.eq(difference)
                with m.If(steps == 1):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += [self.busy.eq(1), self.done.eq(1)]
                with m.If(self.ack):
                    m.next = "IDLE"

        magnitude = Mux(wants_remainder, remainder, quotient)
        negate = Mux(wants_remainder, negate_remainder, negate_quotient)
        m.d.comb += self.result.eq((magnitude ^ negate.replicate(32)) + negate)
        return m


def _highest(m, value, name):
    """Position of the highest 1 of `value`, from 0; 0 when there is none."""
    bits = []
    while len(value) > 1:
        half = len(value) // 2
        upper = Signal(name=f"{name}_upper_{half}")
        rest = Signal(half, name=f"{name}_rest_{half}")
        m.d.comb += [upper.eq(value[half:].any()), rest.eq(Mux(upper, value[half:], value[:half]))]
        bits.insert(0, upper)
        value = rest
    return Cat(bits)
