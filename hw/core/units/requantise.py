"""Requantisation of a sum to one byte: heed.rq."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.common.numeric import fit


class Entry(data.Struct):
    """The second operand of heed.rq: how to requantise."""

    multiplier: 16
    shift: 5
    ignored: 3
    zero_point: signed(8)


class Target(data.Struct):
    """Bits 29:25 of heed.rq: the byte that is written, and whether it is clipped to 0..255."""

    lane: 2
    unsigned: 1
    zeros: 2


class Requantise(wiring.Component):
    """Replaces a byte of `c` by `clip(((a * multiplier + half) >> shift) + zero_point)`.

    `half` is 2^(shift - 1), or 0 when the shift is 0. All of it is exact. `zero_point` is added
    before the shift, as a multiple of 2^shift; `half` is the bit below that.

    Members
    -------
    start : In(1), takes the operands
    a : In(32), signed
    b : In(32), an `Entry`
    c : In(32)
    high : In(5), a `Target`
    result : Out(32)

    Timing
    ------
    `result` belongs to the last `start`, from the cycle after it on. One a cycle. The first cycle
    multiplies, the second adds, shifts and clips.
    """

    start: In(1)
    a: In(32)
    b: In(32)
    c: In(32)
    high: In(5)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        entry = data.View(Entry, self.b)
        product = Signal(signed(48))
        addend = Signal(signed(39))
        shift = Signal(5)
        others = Signal(32)
        target = Signal(Target)
        with m.If(self.start):
            m.d.sync += [
                product.eq(fit(self.a.as_signed() * entry.multiplier, signed(48))),
                addend.eq((Cat(1, entry.zero_point).as_signed() << entry.shift) >> 1),
                shift.eq(entry.shift),
                others.eq(self.c),
                target.eq(self.high),
            ]

        total = Signal(signed(49))
        shifted = Signal(49)
        clipped = Signal(8)
        m.d.comb += [
            total.eq(product + addend),
            shifted.eq(total >> shift),
            clipped.eq(shifted[:8]),
        ]
        negative = total[-1]
        with m.If(target.unsigned):
            with m.If(negative):
                m.d.comb += clipped.eq(0)
            with m.Elif(shifted[8:].any()):
                m.d.comb += clipped.eq(255)
        with m.Else():
            with m.If(negative & ~shifted[7:].all()):
                m.d.comb += clipped.eq(-128)
            with m.Elif(~negative & shifted[7:].any()):
                m.d.comb += clipped.eq(127)
        m.d.comb += [
            self.result.eq(others),
            self.result.word_select(target.lane, 8).eq(clipped),
        ]
        return m
