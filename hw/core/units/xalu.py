"""The unit of XCValu: comparisons, clipping, extensions, sums with rounding and shift."""

from amaranth.hdl import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out


class XAluKind(enum.Enum, shape=3):
    """What the unit's result is.

    SUM is shifted, ORDER is 1 when a <= b, PICK is the minimum or the maximum.
    """

    SUM = 0
    ABS = 1
    ORDER = 2
    PICK = 3
    CLIP = 4
    EXTEND = 5


class XAluOp(data.Struct):
    """An operation of the unit.

    With `register` a sum is that of rd and rs1, shifted by rs2, and a limit to clip to is in rs2.
    `subtract` is high for differences and for all that compares. `unsigned` is for comparisons,
    shifts, extensions and limits, `round` for sums. `other` asks PICK for the maximum and EXTEND
    for bytes.
    """

    kind: XAluKind
    register: 1
    subtract: 1
    unsigned: 1
    round: 1
    other: 1


class XAlu(wiring.Component):
    """Instructions of XCValu.

    One adder gives sums, differences, comparisons and magnitudes; what rounding adds goes in front
    of it, so that a sum is cut to 32 bits before it is shifted. Manual: CV32E40P, "General ALU
    operations".

    Members
    -------
    op : In(8), a `XAluOp`
    a, b, c : In(32), rs1, rs2 and the old value of rd
    low, high : In(5), bits 24:20 and 29:25 of the instruction
    result : Out(32)

    Timing
    ------
    Combinational.
    """

    op: In(8)
    a: In(32)
    b: In(32)
    c: In(32)
    low: In(5)
    high: In(5)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        op = data.View(XAluOp, self.op)
        limit = Signal(31)  # cv.clip's 2^(low - 1) - 1, or what is in rs2
        amount = Signal(5)
        magnitude = Signal(32)  # of a negative number one less
        first = Signal(32)
        second = Signal(32)
        m.d.comb += [
            limit.eq(Mux(op.register, self.b[:31], Cat(self.low > n + 1 for n in range(31)))),
            amount.eq(Mux(op.register, self.b[:5], self.high)),
            magnitude.eq(self.a ^ self.a[31].replicate(32)),
            first.eq(self.a),
            second.eq(self.b),
        ]
        with m.Switch(op.kind):
            with m.Case(XAluKind.SUM):
                with m.If(op.register):
                    m.d.comb += [first.eq(self.c), second.eq(self.a)]
            with m.Case(XAluKind.ABS):
                m.d.comb += [first.eq(magnitude), second.eq(0)]
            with m.Case(XAluKind.CLIP):
                m.d.comb += [first.eq(magnitude), second.eq(limit)]

        total = Signal(32)
        m.d.comb += total.eq(self._sum(m, op, first, second, amount))
        # Without a carry the sum is first - second - 1: negative when first <= second, unless
        # their signs differ.
        at_most = Signal()
        picked = Signal(32)
        m.d.comb += [
            at_most.eq(
                Mux(
                    first[31] == second[31],
                    total[31],
                    Mux(op.unsigned, second[31], first[31]),
                )
            ),
            picked.eq(Mux(at_most ^ ((op.kind == XAluKind.PICK) & op.other), first, second)),
        ]
        shifted = Cat(total, total[31] & ~op.unsigned).as_signed() >> amount
        with m.Switch(op.kind):
            with m.Case(XAluKind.SUM):
                m.d.comb += self.result.eq(shifted)
            with m.Case(XAluKind.ABS):
                m.d.comb += self.result.eq(total)
            with m.Case(XAluKind.ORDER):
                m.d.comb += self.result.eq(at_most)
            with m.Case(XAluKind.PICK):
                m.d.comb += self.result.eq(picked)
            with m.Case(XAluKind.CLIP):
                below = Mux(op.unsigned, 0, ~picked)
                m.d.comb += self.result.eq(Mux(self.a[31], below, picked))
            with m.Case(XAluKind.EXTEND):
                sign = Mux(op.other, self.a[7], self.a[15]) & ~op.unsigned
                middle = Mux(op.other, sign.replicate(8), self.a[8:16])
                m.d.comb += self.result.eq(Cat(self.a[:8], middle, sign.replicate(16)))
        return m

    def _sum(self, m, op, first, second, amount):
        """Return first + second, first - second or, to compare them, first - second - 1."""
        half = Signal(32)
        carry = Signal()
        m.d.comb += half.eq((op.round << amount) >> 1)
        with m.Switch(op.kind):
            with m.Case(XAluKind.SUM):
                m.d.comb += carry.eq(op.subtract)
            with m.Case(XAluKind.ABS):
                m.d.comb += carry.eq(self.a[31])
        # Three numbers to two, by full adders; the lowest carry has room for one more.
        other = Signal(32)
        partial = Signal(32)
        carries = Signal(32)
        m.d.comb += [
            other.eq(second ^ op.subtract.replicate(32)),
            partial.eq(first ^ other ^ half),
            carries.eq(Cat(carry, (first & other) | (half & (first | other)))),
        ]
        return (partial + carries)[:32]
