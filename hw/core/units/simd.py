"""The unit of XCVsimd, but for its dot products and complex products."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.core.units.simd_lanes import SimdLanes
from hw.core.units.simd_mover import SimdMover
from hw.core.units.simd_op import SimdKind, SimdOp


class Simd(wiring.Component):
    """Packed instructions on two halves or four bytes.

    Manual: CV32E40P, "SIMD"; sums are cut to the lane before they are shifted.

    Members
    -------
    op : In(8), a `SimdOp`
    a, b, c : In(32), rs1, rs2 or the immediate, rd's old value
    high : In(5), bits 29:25 of the instruction
    result : Out(32)

    Timing
    ------
    Combinational.
    """

    op: In(8)
    a: In(32)
    b: In(32)
    c: In(32)
    high: In(5)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        op = data.View(SimdOp, self.op)
        a, b = self.a, self.b
        first = Signal(32)
        second = Signal(32)
        turns = (op.kind == SimdKind.NEGATE) & op.variant.negate.turn
        with m.If(turns):
            m.d.comb += [first.eq(Cat(a[16:], b[:16])), second.eq(Cat(b[16:], a[:16]))]
        with m.Else():
            repeated = Mux(op.half, b[:16].replicate(2), b[:8].replicate(4))
            m.d.comb += [first.eq(a), second.eq(Mux(op.scalar, repeated, b))]

        m.submodules.lanes = lanes = SimdLanes()
        m.submodules.mover = mover = SimdMover()
        m.d.comb += [
            lanes.op.eq(op),
            lanes.a.eq(first),
            lanes.b.eq(second),
            mover.op.eq(op),
            mover.a.eq(a),
            mover.b.eq(b),
            mover.c.eq(self.c),
            mover.top.eq(self.high[2:4]),
            self.result.eq(Mux(op.kind == SimdKind.MOVE, mover.result, lanes.result)),
        ]
        return m
