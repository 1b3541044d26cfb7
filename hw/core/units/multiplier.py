"""Products of 32 bits, with accumulation, rounding and shift."""

from amaranth.hdl import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from hw.common.numeric import wrap


class Part(enum.IntEnum, shape=2):
    """Which word of a product is wanted, and which operands are signed: M's funct3."""

    LOW = 0
    HIGH = 1
    HIGH_SIGNED_UNSIGNED = 2
    HIGH_UNSIGNED = 3


class MultiplyOp(data.Struct):
    """Operations of the multiplier.

    With `short` the operands are halves, the `upper` or the lower ones, `unsigned` or not, and the
    sum is shifted right, `rounded` or not. `accumulate` adds the product to the third operand,
    `subtract` takes it off.
    """

    part: Part
    accumulate: 1
    subtract: 1
    short: 1
    upper: 1
    unsigned: 1
    rounded: 1


class Multiplier(wiring.Component):
    """Multiplication of the M extension and of XCVmac.

    All products are unsigned ones of two words, formed as two of a word and a half. The low word of
    a product is the same whether the operands are signed or not, so halves are extended to words
    in their signedness. A high word is corrected: as an unsigned number a negative operand is 2^32
    too large, so the other one is taken off. Sums are 32 bits and wrap; a sum of halves is shifted
    as a number of their signedness.

    Parameters
    ----------
    mac : bool
        Whether XCVmac is there. Without it only `op.part` matters.

    Members
    -------
    start : In(1), takes the operands
    op : In(8), a `MultiplyOp`
    a, b, c : In(32), two factors and what is accumulated to
    high : In(5), how far halves are shifted
    result : Out(32)

    Timing
    ------
    `result` belongs to the last `start`, from the cycle after it on. One product a cycle. The
    first cycle forms both parts of the product and what is added to it, the second adds and shifts.
    """

    start: In(1)
    op: In(8)
    a: In(32)
    b: In(32)
    c: In(32)
    high: In(5)
    result: Out(32)

    def __init__(self, *, mac: bool):
        self._mac = mac
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        op = data.View(MultiplyOp, self.op)
        a, b = Signal(32), Signal(32)
        base = Signal(32)
        m.d.comb += [a.eq(self.a), b.eq(self.b)]
        if self._mac:
            with m.If(op.short):
                m.d.comb += [a.eq(_half(op, self.a)), b.eq(_half(op, self.b))]
            m.d.comb += base.eq(self._base(op))
        a_negative = self.a[31] & ((op.part == Part.HIGH) | (op.part == Part.HIGH_SIGNED_UNSIGNED))
        b_negative = self.b[31] & (op.part == Part.HIGH)
        excess = Mux(a_negative, self.b, 0) + Mux(b_negative, self.a, 0)

        lower, upper = Signal(48), Signal(48)
        added = Signal(32)
        takes_high = Signal()
        with m.If(self.start):
            m.d.sync += [
                lower.eq(a * b[:16]),
                upper.eq(a * b[16:]),
                added.eq(wrap(base - excess, 32)),
                takes_high.eq(op.part != Part.LOW),
            ]
        total = Signal(64)
        addend = Mux(takes_high, added << 32, added)
        m.d.comb += total.eq(wrap(lower + (upper << 16) + addend, 64))
        low, high = total[:32], total[32:]
        if self._mac:
            low = self._shifted(m, op, low)
        m.d.comb += self.result.eq(Mux(takes_high, high, low))
        return m

    def _shifted(self, m, op, low):
        """What becomes of a sum in the second cycle."""
        inverted, arithmetic = Signal(), Signal()
        amount = Signal(5)
        with m.If(self.start):
            m.d.sync += [
                inverted.eq(op.subtract),
                arithmetic.eq(~op.unsigned),
                amount.eq(Mux(op.short, self.high, 0)),
            ]
        total = Signal(32)
        m.d.comb += total.eq(low ^ inverted.replicate(32))
        return (Cat(total, total[31] & arithmetic).as_signed() >> amount)[:32]

    def _base(self, op):
        """What is added to a product: for c - p, which is ~(~c + p), the inverted `c`."""
        base = Mux(op.accumulate | op.subtract, self.c ^ op.subtract.replicate(32), 0)
        return base + Mux(op.rounded, (1 << self.high) >> 1, 0)


def _half(op, word):
    """The half of a word that `op` chooses, extended to a word."""
    half = Mux(op.upper, word[16:], word[:16])
    return Cat(half, (half[15] & ~op.unsigned).replicate(16))
