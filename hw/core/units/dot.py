"""Dot products of packed bytes and halves, and complex products."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

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

    Two multipliers of 16 bits, each of a part for the lower byte of `b` and one for the upper byte,
    serve bytes too: each part then has one byte of `a`, so placed that both products lie at bit 8.
    So a sum of bytes lies there, and `c` is added there.

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
        real, imaginary = Signal(), Signal()
        m.d.comb += [real.eq(op.complex & ~op.scalar), imaginary.eq(op.complex & op.scalar)]

        lower, upper = self.b[:16], self.b[16:]
        lanes = (
            (self.a[:16], Mux(imaginary, upper, lower)),
            (self.a[16:] ^ real.replicate(16), Mux(op.scalar, lower, upper)),  # ~a1 is -a1 - 1
        )
        addend = Signal(WIDTH)
        with m.If(real):
            m.d.comb += addend.eq(upper.as_signed())
        with m.Elif(op.accumulate):
            m.d.comb += addend.eq(Mux(op.bytes, self.c << 8, self.c))
        correction = Mux(
            op.b_signed,
            Mux(op.bytes, _correction(bytes=True, signed=True), _correction(signed=True)),
            Mux(op.bytes, _correction(bytes=True), _correction()),
        )
        parts = [part for a, b in lanes for part in _product(m, op, a, b)]
        total = Signal(WIDTH)
        m.d.comb += total.eq(sum(parts, addend + correction))

        part = Signal(16)
        m.d.comb += [part.eq(total[15:32].as_signed() >> op.divide), self.result.eq(total)]
        with m.If(op.bytes):
            m.d.comb += self.result.eq(total[8:])
        with m.Elif(real):
            m.d.comb += self.result.eq(Cat(part, self.c[16:]))
        with m.Elif(imaginary):
            m.d.comb += self.result.eq(Cat(self.c[:16], part))
        return m


def _product(m, op, a, half):
    """Numbers whose sum is `a` times `half`, or both products of bytes, too large by what
    `_correction` takes off."""
    halves, byte_signed = Signal(), Signal()
    low, high = Signal(8), Signal(8)
    for_low, for_high = Signal(16), Signal(16)  # what these are multiplied with
    for_low_sign, for_high_sign = Signal(), Signal()
    of_halves = Signal(8)
    m.d.comb += [
        halves.eq(~op.bytes),
        byte_signed.eq(op.bytes & op.b_signed),
        low.eq(half[:8]),
        high.eq(Mux(op.bytes & op.scalar, half[:8], half[8:])),
        for_low.eq(Mux(op.bytes, Cat(C(0, 8), a[:8]), a)),
        for_high.eq(Mux(op.bytes, a[8:], a)),
        for_low_sign.eq(op.a_signed & for_low[15]),
        for_high_sign.eq(op.a_signed & a[15]),
    ]
    # Always zero. With constants here, or a shift, Yosys would add these products up by themselves
    # first, which takes more levels.
    zeros = for_low[:8] & op.bytes.replicate(8)
    low_top = (for_low & low[7].replicate(16)) ^ byte_signed.replicate(16)
    high_top = (for_high & high[7].replicate(16)) ^ op.b_signed.replicate(16)
    # What the sign of `a`, of negative weight, adds: `a` is signed only together with `b`. The
    # byte's own sign makes that positive; the lower byte of a half has none.
    low_signs, high_signs = Signal(8), Signal(8)
    m.d.comb += [
        low_signs.eq((low & for_low_sign.replicate(8)) ^ Cat(C(0x7F, 7), halves)),
        high_signs.eq((high & for_high_sign.replicate(8)) ^ 0x7F),
        of_halves.eq(Mux(halves, high_signs, 0)),
    ]
    return [
        for_low * low[:7],
        low_top << 7,
        Cat(zeros, for_high) * high[:7],
        high_top << 15,
        Cat(low_signs, of_halves) << 16,
        Mux(op.bytes, high_signs, 0) << 16,
    ]


def _correction(*, bytes=False, signed=False):
    """Minus the weights of all inverted bits; `signed`: of `b`."""
    weights = 0x7F << 16 if bytes else 0xFF << 16
    weights += 0x7F << (16 if bytes else 24)
    if signed:
        weights += 0xFFFF << 15
        if bytes:
            weights += 0xFFFF << 7
    return -2 * weights % 2**WIDTH
