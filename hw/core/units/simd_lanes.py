"""Part of the packed unit: what stays within lanes."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.units.simd_op import SimdKind, SimdLogic, SimdOp

BYTE_TOPS = 0x80808080
HALF_TOPS = 0x80008000
UPPER_HALF = 0xFFFF0000
ONES = 0xFFFFFFFF


class SimdLanes(wiring.Component):
    """Sums, comparisons and shifts of two lanes of 16 bits or four of 8.

    One adder, which no carry leaves a lane in, gives sums, differences, comparisons and negation;
    one shifter serves shifts and what is shifted after a sum. What is done to all bits alike is
    written so that it simulates as one operation of whole words.

    Members
    -------
    op : In(SimdOp)
    a, b : In(32)
    result : Out(32)

    Timing
    ------
    Combinational.
    """

    op: In(SimdOp)
    a: In(32)
    b: In(32)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        op, a, b = self.op, self.a, self.b
        differ = Signal(32)
        total = Signal(32)
        shifted = Signal(32)
        holds = Signal(32)
        m.d.comb += [
            differ.eq(a ^ b),
            total.eq(self._sum(m)),
            shifted.eq(self._shift(m, total)),
            holds.eq(self._compare(m, differ, total)),
        ]
        with m.Switch(op.kind):
            with m.Case(SimdKind.SUM, SimdKind.AVERAGE, SimdKind.NEGATE, SimdKind.SHIFT):
                m.d.comb += self.result.eq(shifted)
            with m.Case(SimdKind.LOGIC):
                with m.Switch(op.variant.logic):
                    with m.Case(SimdLogic.OR):
                        m.d.comb += self.result.eq(a | b)
                    with m.Case(SimdLogic.XOR):
                        m.d.comb += self.result.eq(differ)
                    with m.Case(SimdLogic.AND):
                        m.d.comb += self.result.eq(a & b)
                    with m.Default():
                        m.d.comb += self.result.eq(holds)
            with m.Case(SimdKind.ORDER):
                m.d.comb += self.result.eq(holds)
            with m.Case(SimdKind.PICK):
                m.d.comb += self.result.eq((a & holds) | (b & ~holds))
        return m

    def _lanes(self, tops):
        """Return lanes full of ones where the upper one of their bytes, or the only one, has 1."""
        half = self.op.half
        of_lanes = [Mux(half, tops[1], tops[0]), tops[1], Mux(half, tops[3], tops[2]), tops[3]]
        return Cat(Mux(top, C(0xFF, 8), 0) for top in of_lanes)

    def _sum(self, m):
        """Return a + b, a - b, or a - b - 1 for a comparison that includes equality.

        A difference is ~(~a + b), minus a is ~(~0 + a), and a - b - 1 is a + ~b.
        """
        op, variant = self.op, self.op.variant
        flips = Signal(32)  # bits to invert before and after the sum
        negates = Signal()
        complement = Signal()
        first = Signal(32)
        second = Signal(32)
        within = Signal(32)
        with m.Switch(op.kind):
            with m.Case(SimdKind.SUM):
                m.d.comb += flips.eq(Mux(variant.sum.subtract, ONES, 0))
            with m.Case(SimdKind.NEGATE):
                with m.If(variant.negate.turn):
                    m.d.comb += flips.eq(ONES)
                with m.Else():
                    conjugates = variant.negate.shift[0]
                    flip = Mux(conjugates, UPPER_HALF, self._lanes(_tops(self.a)))
                    m.d.comb += [negates.eq(1), flips.eq(flip)]
            with m.Case(SimdKind.ORDER, SimdKind.PICK):
                strict = variant.order.strict
                m.d.comb += [flips.eq(Mux(strict, ONES, 0)), complement.eq(~strict)]
        # The tops of lanes are added without a carry.
        m.d.comb += [
            first.eq(Mux(negates, 0, self.a) ^ flips),
            second.eq(Mux(negates, self.a, Mux(complement, ~self.b, self.b))),
            within.eq(Mux(op.half, ~HALF_TOPS, ~BYTE_TOPS)),
        ]
        carried = (first & within) + (second & within)
        return carried[:32] ^ ((first ^ second) & ~within) ^ flips

    def _compare(self, m, differ, total):
        """Return all ones in the lanes where the comparison or the question for equality holds."""
        op, order = self.op, self.op.variant.order
        below = Signal(32)
        unequal = Signal(4)
        unequal_bytes = [differ.word_select(n, 8).any() for n in range(4)]
        m.d.comb += [
            below.eq((differ & Mux(order.unsigned, self.b, self.a)) | (~differ & total)),
            unequal.eq(Cat(unequal_bytes)),
        ]
        with m.If(op.half):  # the upper bytes count
            m.d.comb += [unequal[1].eq(differ[:16].any()), unequal[3].eq(differ[16:].any())]
        tops = Signal(4)
        with m.If(op.kind == SimdKind.LOGIC):
            equal = op.variant.logic == SimdLogic.EQUAL
            m.d.comb += tops.eq(Mux(equal, ~unequal, unequal))
        with m.Else():
            m.d.comb += tops.eq(Mux(order.invert, ~_tops(below), _tops(below)))
        return self._lanes(tops)

    def _shift(self, m, total):
        """Return a shifted as b says, or the sum shifted."""
        op, variant, b = self.op, self.op.variant, self.b
        shifts, left, signed = Signal(), Signal(), Signal()
        sum_amount = Signal(2)
        m.d.comb += signed.eq(1)
        with m.Switch(op.kind):
            with m.Case(SimdKind.SHIFT):
                shift = variant.shift
                m.d.comb += [shifts.eq(1), left.eq(shift.left), signed.eq(shift.arithmetic)]
            with m.Case(SimdKind.SUM):
                m.d.comb += sum_amount.eq(variant.sum.shift)
            with m.Case(SimdKind.AVERAGE):
                m.d.comb += [sum_amount.eq(1), signed.eq(0)]
            with m.Case(SimdKind.NEGATE):
                m.d.comb += sum_amount.eq(Mux(variant.negate.turn, variant.negate.shift, 0))
        word, fill = Signal(32), Signal(32)
        m.d.comb += [
            word.eq(Mux(shifts, self.a, total)),
            fill.eq(Mux(signed, self._lanes(_tops(word)), 0)),
        ]

        result = []
        for n in range(0, 32, 16):
            # The two bytes, and what comes from below and from above.
            lower, upper = (Signal(8, name=f"{name}_{n}") for name in ("lower", "upper"))
            m.d.comb += [lower.eq(word[n : n + 8]), upper.eq(word[n + 8 : n + 16])]
            with m.If(shifts & op.half & b[n + 3]):
                with m.If(left):
                    m.d.comb += [lower.eq(0), upper.eq(word[n : n + 8])]
                with m.Else():
                    m.d.comb += [lower.eq(word[n + 8 : n + 16]), upper.eq(fill[n + 8 : n + 16])]
            lower_amount, upper_amount = b[n : n + 3], Mux(op.half, b[n : n + 3], b[n + 8 : n + 11])
            for index, byte, below, above, by in (
                (n, lower, C(0, 8), Mux(op.half, upper, fill[n : n + 8]), lower_amount),
                (n + 8, upper, Mux(op.half, lower, 0), fill[n + 8 : n + 16], upper_amount),
            ):
                # To the left by k is to the right by 1 + (7 - k) of what is 8 bits further up.
                window = Signal(16, name=f"window_{index}")
                amount = Signal(3, name=f"amount_{index}")
                m.d.comb += [
                    window.eq(Mux(left, Cat(below, byte) >> 1, Cat(byte, above))),
                    amount.eq(Mux(shifts, Mux(left, ~by, by), sum_amount)),
                ]
                result.append((window >> amount)[:8])
        return Cat(result)


def _tops(word):
    """Return the top bits of all bytes."""
    return Cat(word[n] for n in range(7, 32, 8))
