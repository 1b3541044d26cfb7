"""Dot products of packed bytes and halves, and complex products."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.common.numeric import tree
from hw.core.units.carry_save import carry_save, prefix_sum

WIDTH = 40
"""Of the sum: 32 bits, with bytes from bit 8 on."""


class DotOp(data.Struct):
    """Operations of the dot products.

    The elements are `bytes` or halves; `a_signed` and `b_signed` say how they are read. `scalar`
    takes the lowest element of `b` for all. `accumulate` adds `c`.

    With `complex` the elements are signed halves and all of this is a part of a complex product:
    the imaginary one with `scalar`, else the real one. `divide` shifts it right.
    """

    bytes: 1
    complex: 1
    a_signed: 1
    b_signed: 1
    scalar: 1
    accumulate: 1
    divide: 2


class Dot(wiring.Component):
    """Dot products of XCVsimd, and its complex products.

    Two multipliers of 16 bits serve bytes too. Two bytes a1, a0 and two bytes b0, b1, in exchanged
    order, have the products a1 b1 and a0 b0 both at bit 8; the other two are suppressed. So a sum
    of bytes lies at bit 8, and `c` is added there.

    The signs follow Baugh and Wooley: a bit of negative weight is inverted, which makes it too
    large by that weight, whatever it is, and a constant takes that off.

    The real part of a complex product is a0 b0 - a1 b1, the imaginary part a0 b1 + a1 b0, both in
    32 bits. Bits 30:15 of that, after the shift, go to the lower half of the result for the real
    part, to the upper one for the imaginary part; the other half is that of `c`.

    Members
    -------
    op : In(8), a `DotOp`
    a, b, c : In(32), factors and what is accumulated to
    result : Out(32)

    Timing
    ------
    Combinational.
    """

    op: In(8)
    a: In(32)
    b: In(32)
    c: In(32)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        op = data.View(DotOp, self.op)
        real = op.complex & ~op.scalar
        imaginary = op.complex & op.scalar

        lower, upper = self.b[:16], self.b[16:]
        inverted = _inverted(m, op)
        lanes = (
            (self.a[:16], Mux(imaginary, upper, lower)),
            (self.a[16:] ^ real.replicate(16), Mux(op.scalar, lower, upper)),  # ~a1 is -a1 - 1
        )
        rows = [row for a, b in lanes for row in _product_rows(m, op, a, b, inverted)]
        addend = Signal(WIDTH)
        with m.If(real):
            m.d.comb += addend.eq(upper.as_signed())
        with m.Elif(op.accumulate):
            m.d.comb += addend.eq(Mux(op.bytes, self.c << 8, self.c))
        total = Signal(WIDTH)
        m.d.comb += total.eq(
            prefix_sum(m, *carry_save(m, [addend, _correction(m, op), *rows], WIDTH))
        )

        choices = [
            (op.bytes, total[8:]),
            (~op.bytes & ~op.complex, total[:32]),
            (real, self.c & 0xFFFF0000),
            (imaginary, self.c & 0x0000FFFF),
        ]
        for divide in range(4):
            chosen = op.divide == divide
            part = (total[15:32].as_signed() >> divide)[:16]
            choices += [(real & chosen, part), (imaginary & chosen, part << 16)]
        m.d.comb += self.result.eq(
            tree([Mux(condition, value, 0) for condition, value in choices], lambda x, y: x | y)
        )
        return m


def _product_rows(m, op, a, half, inverted):
    """Numbers whose sum is a times b, but for the weights of `inverted` bits.

    `b` is `half`, with bytes exchanged, or the lowest one twice.
    """
    halves = ~op.bytes
    # What the lower and the upper byte of `a` are multiplied with.
    for_lower, for_upper = Signal(16), Signal(16)
    lower, upper = half[:8], half[8:]
    m.d.comb += [
        for_lower.eq(Cat(Mux(halves, lower, 0), Mux(halves, upper, lower))),
        for_upper.eq(Cat(Mux(op.bytes & ~op.scalar, upper, lower), Mux(halves, upper, 0))),
    ]
    rows = []
    for i in range(16):
        bits = for_lower if i < 8 else for_upper
        rows.append((Mux(a[i], bits, 0) ^ inverted[i]) << i)
    return rows


def _inverted(m, op):
    """Bits of negative weight among the products with each bit of `a`."""
    signals = []
    for upper in (False, True):
        for a_sign in (Const(0), op.a_signed if upper else op.a_signed & op.bytes):
            with_lower = Cat(a_sign.replicate(7), a_sign ^ (op.b_signed & op.bytes))
            with_upper = Cat(a_sign.replicate(7), a_sign ^ op.b_signed)
            signal = Signal(16, name=f"inverted_{len(signals)}")
            if upper:
                m.d.comb += signal.eq(Cat(with_lower, Mux(op.bytes, 0, with_upper)))
            else:
                m.d.comb += signal.eq(Cat(Const(0, 8), with_upper))
            signals.append(signal)
    lower, lower_sign, upper, upper_sign = signals
    return [*[lower] * 7, lower_sign, *[upper] * 7, upper_sign]


def _correction(m, op):
    """Minus the weights of all inverted bits."""
    correction = Signal(WIDTH)
    for both, condition in ((False, op.a_signed ^ op.b_signed), (True, op.a_signed & op.b_signed)):
        of_bytes = -4 * _weights(8, both) << 8
        of_halves = -2 * _weights(16, both)
        with m.If(condition):
            m.d.comb += correction.eq(Mux(op.bytes, of_bytes % 2**WIDTH, of_halves % 2**WIDTH))
    return correction


def _weights(bits, both):
    """Weights of the inverted bits of one product: of one signed factor, or of both."""
    top = 2 ** (bits - 1)
    return 2 * top * (top - 1) if both else top * (2 * top - 1)
