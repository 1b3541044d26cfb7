"""Arithmetic and logic, and the comparisons of branches."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.types import AluOp


class Alu(wiring.Component):
    """Integer operations of RV32I.

    Members
    -------
    op : In(4), an `AluOp`; any other value gives 0
    a, b : In(32)
    unsigned : In(1), comparisons are unsigned
    result : Out(32)
    less, equal : Out(1), a < b and a = b

    Timing
    ------
    Combinational.
    """

    op: In(4)
    a: In(32)
    b: In(32)
    unsigned: In(1)
    result: Out(32)
    less: Out(1)
    equal: Out(1)

    def elaborate(self, platform):
        m = Module()
        a, b = self.a, self.b
        amount = b[:5]
        flip = ~self.unsigned  # signed order is unsigned order with the sign bits inverted
        m.d.comb += [
            self.less.eq(Cat(a[:31], a[31] ^ flip) < Cat(b[:31], b[31] ^ flip)),
            self.equal.eq(a == b),
        ]
        with m.Switch(self.op):
            with m.Case(AluOp.ADD):
                m.d.comb += self.result.eq(a + b)
            with m.Case(AluOp.SUB):
                m.d.comb += self.result.eq(a - b)
            with m.Case(AluOp.SLL):
                m.d.comb += self.result.eq(a << amount)
            with m.Case(AluOp.SLT, AluOp.SLTU):
                m.d.comb += self.result.eq(self.less)
            with m.Case(AluOp.XOR):
                m.d.comb += self.result.eq(a ^ b)
            with m.Case(AluOp.SRL):
                m.d.comb += self.result.eq(a >> amount)
            with m.Case(AluOp.SRA):
                m.d.comb += self.result.eq(a.as_signed() >> amount)
            with m.Case(AluOp.OR):
                m.d.comb += self.result.eq(a | b)
            with m.Case(AluOp.AND):
                m.d.comb += self.result.eq(a & b)
        return m
