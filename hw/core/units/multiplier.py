"""32 x 32 multiplier."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Multiplier(wiring.Component):
    """`mul`, `mulh`, `mulhsu` and `mulhu` of the M extension.

    One unsigned product of 64 bits, whose high half is corrected for negative operands: as an
    unsigned number a negative one is 2^32 too large, so the other operand is taken off.

    Members
    -------
    op : In(2), 0 `mul`, 1 `mulh`, 2 `mulhsu`, 3 `mulhu`
    a, b : In(32)
    result : Out(32)

    Timing
    ------
    Combinational.
    """

    op: In(2)
    a: In(32)
    b: In(32)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        product = Signal(64)
        a_negative = self.a[31] & (self.op != 3)
        b_negative = self.b[31] & (self.op == 1)
        excess_a = Mux(a_negative, self.b, 0)
        excess_b = Mux(b_negative, self.a, 0)
        m.d.comb += product.eq(self.a * self.b)
        with m.If(self.op == 0):
            m.d.comb += self.result.eq(product[:32])
        with m.Else():
            m.d.comb += self.result.eq(product[32:] - excess_a - excess_b)
        return m
