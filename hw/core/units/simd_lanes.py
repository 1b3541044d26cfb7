"""Half of the packed unit: what stays within lanes."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.units.carry_save import prefix_sum
from hw.core.units.simd_op import SimdKind, SimdLogic, SimdOp


class SimdLanes(wiring.Component):
    """Sums, comparisons and shifts of one lane of 16 bits or two of 8.

    One adder, whose carry stops between bytes when lanes are bytes, gives sums, differences,
    comparisons and negation; one shifter serves shifts and what is shifted after a sum.

    Members
    -------
    op : In(SimdOp)
    negate : In(1), for NEGATE: this lane of 16 bits is negated
    a, b : In(16)
    result : Out(16)

    Timing
    ------
    Combinational.
    """

    op: In(SimdOp)
    negate: In(1)
    a: In(16)
    b: In(16)
    result: Out(16)

    def elaborate(self, platform):
        m = Module()
        op, a, b = self.op, self.a, self.b
        total = Signal(16)
        m.d.comb += total.eq(self._sum(m))
        shifted = Signal(16)
        m.d.comb += shifted.eq(self._shift(m, total))
        holds = self._order(m, total)
        with m.Switch(op.kind):
            with m.Case(SimdKind.SUM, SimdKind.AVERAGE, SimdKind.NEGATE):
                m.d.comb += self.result.eq(shifted)
            with m.Case(SimdKind.SHIFT):
                left = op.variant.shift.left
                m.d.comb += self.result.eq(Mux(left, shifted[::-1], shifted))
            with m.Case(SimdKind.LOGIC):
                m.d.comb += self.result.eq(self._logic(m))
            with m.Case(SimdKind.ORDER):
                m.d.comb += self.result.eq(holds)
            with m.Case(SimdKind.PICK):
                m.d.comb += self.result.eq((a & holds) | (b & ~holds))
        return m

    def _lanes(self, lower, upper):
        """Return 16 bits that tell for each lane what the top of its upper byte says."""
        return Cat(Mux(self.op.half, upper, lower).replicate(8), upper.replicate(8))

    def _sum(self, m):
        """Return a + b, a - b, or a - b - 1 for a comparison that includes equality."""
        op, variant = self.op, self.op.variant
        first = Signal(16)
        second = Signal(16)
        carry = Signal(2)  # into each byte that begins a lane
        m.d.comb += [first.eq(self.a), second.eq(self.b)]
        with m.Switch(op.kind):
            with m.Case(SimdKind.SUM):
                m.d.comb += carry.eq(variant.sum.subtract.replicate(2))
                with m.If(variant.sum.subtract):
                    m.d.comb += second.eq(~self.b)
            with m.Case(SimdKind.NEGATE):
                with m.If(variant.negate.turn):
                    m.d.comb += [second.eq(~self.b), carry.eq(0b11)]
                with m.Else():
                    signs = self._lanes(self.a[7], self.a[15])
                    flip = Mux(variant.negate.shift[0], self.negate.replicate(16), signs)
                    m.d.comb += [
                        first.eq(self.a ^ flip),
                        second.eq(0),
                        carry.eq(Cat(flip[0], flip[8])),
                    ]
            with m.Case(SimdKind.ORDER, SimdKind.PICK):
                m.d.comb += [second.eq(~self.b), carry.eq(variant.order.strict.replicate(2))]

        # A bit in front of each byte: equal operands there make a carry or stop one, different
        # ones let it pass.
        passes = op.half
        ahead = Cat(carry[0], first[:8], carry[1] | passes, first[8:])
        behind = Cat(carry[0], second[:8], carry[1] & ~passes, second[8:])
        total = Signal(18, name="spaced")
        m.d.comb += total.eq(prefix_sum(m, ahead, behind))
        return Cat(total[1:9], total[10:18])

    def _order(self, m, total):
        """Return all ones in the lanes where the comparison holds."""
        order = self.op.variant.order

        def below(top):
            a, b = self.a[top], self.b[top]
            return Mux(a == b, total[top], Mux(order.unsigned, b, a)) ^ order.invert

        holds = Signal(16)
        m.d.comb += holds.eq(self._lanes(below(7), below(15)))
        return holds

    def _logic(self, m):
        logic = self.op.variant.logic
        result = Signal(16)
        differ = self.a ^ self.b
        lower, upper = differ[:8].any(), differ[8:].any()
        either = self.op.half & (lower | upper)
        unequal = Cat((lower | either).replicate(8), (upper | either).replicate(8))
        with m.Switch(logic):
            with m.Case(SimdLogic.OR):
                m.d.comb += result.eq(self.a | self.b)
            with m.Case(SimdLogic.XOR):
                m.d.comb += result.eq(differ)
            with m.Case(SimdLogic.AND):
                m.d.comb += result.eq(self.a & self.b)
            with m.Case(SimdLogic.EQUAL):
                m.d.comb += result.eq(~unequal)
            with m.Case(SimdLogic.NOT_EQUAL):
                m.d.comb += result.eq(unequal)
        return result

    def _shift(self, m, total):
        """Return a shifted as b says, mirrored for shifts to the left, or the sum shifted."""
        op, variant, b = self.op, self.op.variant, self.b
        shifts = op.kind == SimdKind.SHIFT
        # To the left the mirrored word is shifted, in which bytes change places.
        left = variant.shift.left
        word = Signal(16)
        lower_amount = Signal(4)
        upper_amount = Signal(3)
        signs = Signal(16)
        m.d.comb += [
            word.eq(Mux(left, self.a[::-1], self.a)),
            signs.eq(self._lanes(word[7], word[15]) & variant.shift.arithmetic.replicate(16)),
        ]
        with m.If(op.half):
            m.d.comb += [lower_amount.eq(b[:4]), upper_amount.eq(b[:3])]
        with m.Elif(left):
            m.d.comb += [lower_amount.eq(b[8:11]), upper_amount.eq(b[:3])]
        with m.Else():
            m.d.comb += [lower_amount.eq(b[:3]), upper_amount.eq(b[8:11])]
        after_eight = Mux(lower_amount[3], Cat(word[8:], signs[8:]), word)

        sum_amount = Signal(2)
        with m.Switch(op.kind):
            with m.Case(SimdKind.SUM):
                m.d.comb += sum_amount.eq(variant.sum.shift)
            with m.Case(SimdKind.AVERAGE):
                m.d.comb += sum_amount.eq(1)
            with m.Case(SimdKind.NEGATE):
                m.d.comb += sum_amount.eq(Mux(variant.negate.turn, variant.negate.shift, 0))
        sum_signs = Mux(op.kind == SimdKind.AVERAGE, 0, self._lanes(total[7], total[15]))

        moving = Signal(16)
        fill = Signal(16)
        m.d.comb += [
            moving.eq(Mux(shifts, after_eight, total)),
            fill.eq(Mux(shifts, signs, sum_signs)),
        ]
        lower = Cat(moving[:8], Mux(op.half, moving[8:], fill[:8]))
        upper = Cat(moving[8:], fill[8:])
        return Cat(
            (lower >> Mux(shifts, lower_amount[:3], sum_amount))[:8],
            (upper >> Mux(shifts, upper_amount, sum_amount))[:8],
        )
