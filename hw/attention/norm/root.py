"""The reciprocal standard deviation of a row, by digits: variance, square root, division."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.norm.statistics import SQUARES_BITS, TOTAL_BITS, RowSums
from hw.attention.types import CHANNEL_BITS, RowStatistics
from hw.common.numeric import store, wrap

PRECISION = 16
"""Bits P of the standard deviation and of its reciprocal."""

FRACTION = 10
"""Fraction bits FX of normalised elements."""

_PAIRS = 27  # V has 54 bits: C^2 times a variance below 2^30
_VARIANCE_BITS = 2 * _PAIRS
_DIGIT = 4  # bits of the multipliers a cycle
_STEPS = 2  # bits of root and quotient a cycle


class _RowVariance(data.Struct):
    """A row with V = C * S2 - S1^2."""

    channels: CHANNEL_BITS
    total: signed(TOTAL_BITS)
    release: 1
    variance: _VARIANCE_BITS


class _RowRoot(data.Struct):
    """A row with e = ceil(bits of V / 2) and the root of V scaled by 4^(P - e)."""

    channels: CHANNEL_BITS
    total: signed(TOTAL_BITS)
    release: 1
    e: range(_PAIRS + 1)
    root: PRECISION


def _iterate(m, component, cycles):
    """Let a component work `cycles` cycles on each item of `i` and then offer it at `o`.

    The next item may come when one is taken. Returns `taken` (an item comes in) and `left` (the
    cycles of work that are left), and copies what is in both payloads.
    """
    i, o = component.i, component.o
    full = Signal()
    taken = Signal()
    left = Signal(range(cycles + 1))
    m.d.comb += [
        o.valid.eq(full & (left == 0)),
        i.ready.eq(~full | (o.valid & o.ready)),
        taken.eq(i.valid & i.ready),
    ]
    with m.If(taken):
        m.d.sync += [full.eq(1), left.eq(cycles)]
        m.d.sync += [o.payload[name].eq(i.payload[name]) for name in ("channels", "total")]
        m.d.sync += o.payload.release.eq(i.payload.release)
    with m.Elif(o.valid & o.ready):
        m.d.sync += full.eq(0)
    with m.Elif(left != 0):
        m.d.sync += left.eq(left - 1)
    return taken, left


class _Variance(wiring.Component):
    """Multiplies C * S2 and S1 * S1 at once, from the highest digit down, modulo 2^54.

    A digit's products are added in the cycle after theirs.

    Timing: 9 cycles; another row every 9.
    """

    i: In(stream.Signature(RowSums))
    o: Out(stream.Signature(_RowVariance))

    def elaborate(self, platform):
        m = Module()
        width = TOTAL_BITS - 1  # of |S1| and, for as many digits, of C
        assert width % _DIGIT == 0
        taken, left = _iterate(m, self, width // _DIGIT + 1)
        squares = Signal(SQUARES_BITS)
        channels = Signal(width)  # digits left to multiply S2 with
        magnitude = Signal(width)
        digits = Signal(width)  # those of the magnitude
        products = Signal(signed(SQUARES_BITS + _DIGIT + 1))
        variance = self.o.payload.variance

        total = Signal(signed(TOTAL_BITS))
        absolute = Signal(width)
        m.d.comb += [
            total.eq(self.i.payload.total),
            absolute.eq(Mux(total < 0, -total, total)),
        ]
        with m.If(taken):
            m.d.sync += [
                squares.eq(self.i.payload.squares),
                channels.eq(self.i.payload.channels),
                magnitude.eq(absolute),
                digits.eq(absolute),
                products.eq(0),
                variance.eq(0),
            ]
        with m.Elif(left != 0):
            difference = channels[-_DIGIT:] * squares - digits[-_DIGIT:] * magnitude
            m.d.sync += [
                store(products, difference),
                variance.eq(wrap((variance << _DIGIT) + products, _VARIANCE_BITS)),
                channels.eq(channels << _DIGIT),
                digits.eq(digits << _DIGIT),
            ]
        return m


class _SquareRoot(wiring.Component):
    """Shifts V left by pairs of bits until the top one is not 0, and takes the root of 32 bits.

    V is then scaled by 4^(27 - e), and its upper 32 bits are floor(V * 4^(16 - e)). Two bits of
    the root a cycle, restoring. V = 0 counts as 1.

    Timing: 10 cycles; another row every 10.
    """

    i: In(stream.Signature(_RowVariance))
    o: Out(stream.Signature(_RowRoot))

    def elaborate(self, platform):
        m = Module()
        digits = PRECISION // _STEPS
        taken, left = _iterate(m, self, 1 + digits)
        variance = Signal(_VARIANCE_BITS)  # later: bits that are left of it
        rest = Signal(PRECISION + 1)
        root = self.o.payload.root

        normal = variance
        empty = []  # from the uppermost bit of the shift, in pairs, down
        for pairs in (16, 8, 4, 2, 1):
            empty.append(Signal(name=f"empty_{pairs}"))
            shifted = Signal(_VARIANCE_BITS, name=f"shifted_{pairs}")
            m.d.comb += [
                empty[-1].eq(normal[-2 * pairs :] == 0),
                shifted.eq(Mux(empty[-1], normal << (2 * pairs), normal)),
            ]
            normal = shifted

        next_rest, next_root = rest, root
        for step in range(_STEPS):
            minuend = Cat(variance[-2 * (step + 1) :][:2], next_rest)
            difference = Signal(signed(PRECISION + 4), name=f"difference_{step}")
            smaller = Signal(PRECISION + 1, name=f"rest_{step}")
            m.d.comb += [
                difference.eq(minuend - Cat(Const(1, 2), next_root)),
                smaller.eq(Mux(difference < 0, minuend, difference)),
            ]
            next_rest, next_root = smaller, Cat(difference >= 0, next_root)

        with m.If(taken):
            value = self.i.payload.variance
            m.d.sync += variance.eq(value | (value == 0))
        with m.Elif(left == 1 + digits):
            m.d.sync += [
                variance.eq(normal),
                self.o.payload.e.eq(_PAIRS - Cat(reversed(empty))),
                rest.eq(0),
                root.eq(0),
            ]
        with m.Elif(left != 0):
            m.d.sync += [
                variance.eq(variance << (2 * _STEPS)),
                rest.eq(next_rest),
                root.eq(next_root),
            ]
        return m


class _Divide(wiring.Component):
    """Divides 2^31 by the root, from 2^15 to 2^16 - 1: a restoring divider, two bits a cycle.

    The remainder starts at 2^16, so that the first bit is always 1, and 2^15, whose quotient 2^16
    would be too large, gives all ones by itself.

    Timing: 9 cycles; another row every 9.
    """

    i: In(stream.Signature(_RowRoot))
    o: Out(stream.Signature(RowStatistics))

    def elaborate(self, platform):
        m = Module()
        taken, left = _iterate(m, self, PRECISION // _STEPS)
        divisor = Signal(PRECISION)
        rest = Signal(PRECISION + 1)
        quotient = self.o.payload.r

        next_rest, next_quotient = rest, quotient
        for step in range(_STEPS):
            difference = Signal(signed(PRECISION + 2), name=f"difference_{step}")
            smaller = Signal(PRECISION, name=f"rest_{step}")
            m.d.comb += [
                difference.eq(next_rest - divisor),
                smaller.eq(Mux(difference < 0, next_rest, difference)),
            ]
            next_rest = smaller << 1
            next_quotient = Cat(difference >= 0, next_quotient)

        with m.If(taken):
            m.d.sync += [
                divisor.eq(self.i.payload.root),
                rest.eq(1 << PRECISION),
                self.o.payload.shift.eq(self.i.payload.e + (PRECISION - 1 - FRACTION)),
            ]
        with m.Elif(left != 0):
            m.d.sync += [rest.eq(next_rest), quotient.eq(next_quotient)]
        return m


class Root(wiring.Component):
    """Turns a row's sums into what normalises it.

    V = max(C * S2 - S1^2, 1); e = ceil(bits of V / 2); root = isqrt(V * 4^(P - e)), the scaled V
    rounded down to 32 bits; r = min(floor(2^31 / root), 2^16 - 1); shift = P - 1 + e - FX.

    Members
    -------
    i : In(stream of RowSums); of int16 elements
    o : Out(stream of RowStatistics)

    Timing
    ------
    28 cycles from `i` to `o`; a row every 10 cycles. Up to three rows are inside when `o` is not
    taken; `i.ready` depends combinationally on `o.ready`.
    """

    i: In(stream.Signature(RowSums))
    o: Out(stream.Signature(RowStatistics))

    def elaborate(self, platform):
        m = Module()
        m.submodules.variance = variance = _Variance()
        m.submodules.square_root = square_root = _SquareRoot()
        m.submodules.divide = divide = _Divide()
        wiring.connect(m, wiring.flipped(self.i), variance.i)
        wiring.connect(m, variance.o, square_root.i)
        wiring.connect(m, square_root.o, divide.i)
        wiring.connect(m, divide.o, wiring.flipped(self.o))
        return m
