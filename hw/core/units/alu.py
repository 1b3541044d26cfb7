"""Arithmetic and logic, and the comparisons of branches."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.types import AluOp


class Alu(wiring.Component):
    """Integer operations of RV32I.

    One adder, one subtractor, which also compares, and one shifter: a shift to the left is a shift
    to the right of the mirrored word.

    Members
    -------
    op : In(8), an `AluOp`; any other value gives 0
    a, b : In(32)
    unsigned : In(1), comparisons are unsigned
    result : Out(32)
    less, equal : Out(1), a < b and a = b, whatever `op` is

    Timing
    ------
    Combinational.
    """

    op: In(8)
    a: In(32)
    b: In(32)
    unsigned: In(1)
    result: Out(32)
    less: Out(1)
    equal: Out(1)

    def elaborate(self, platform):
        m = Module()
        a, b = self.a, self.b
        difference = Signal(32)
        m.d.comb += [
            difference.eq(a - b),
            # With equal signs the difference cannot overflow.
            self.less.eq(Mux(a[31] == b[31], difference[31], Mux(self.unsigned, b[31], a[31]))),
            self.equal.eq(a == b),
        ]

        left = Signal()
        fill = Signal()
        shifted = Signal(32)
        m.d.comb += [
            left.eq(self.op == AluOp.SLL),
            fill.eq((self.op == AluOp.SRA) & a[31]),
            shifted.eq(Cat(Mux(left, a[::-1], a), fill).as_signed() >> b[:5]),
        ]
        with m.Switch(self.op):
            with m.Case(AluOp.ADD):
                m.d.comb += self.result.eq(a + b)
            with m.Case(AluOp.SUB):
                m.d.comb += self.result.eq(difference)
            with m.Case(AluOp.SLL):
                m.d.comb += self.result.eq(shifted[::-1])
            with m.Case(AluOp.SLT, AluOp.SLTU):
                m.d.comb += self.result.eq(self.less)
            with m.Case(AluOp.XOR):
                m.d.comb += self.result.eq(a ^ b)
            with m.Case(AluOp.SRL, AluOp.SRA):
                m.d.comb += self.result.eq(shifted)
            with m.Case(AluOp.OR):
                m.d.comb += self.result.eq(a | b)
            with m.Case(AluOp.AND):
                m.d.comb += self.result.eq(a & b)
        return m
