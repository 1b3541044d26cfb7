"""One lane of requantisation."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import Entry
from hw.common.numeric import bounds, fit
from hw.regmap import ElementType

_SHAPES = {
    ElementType.INT8: signed(8),
    ElementType.UINT8: unsigned(8),
    ElementType.INT16: signed(16),
    ElementType.INT32: signed(32),
}


class Requantise(wiring.Component):
    """Computes `y = clip((acc * mul + add) >> shift)`, exactly.

    The shift is arithmetic, 0 to 63. The clip is that of `y_type`, and `y` is extended to 32
    bits; with INT32 it is the accumulator itself, whatever the entry says. The residual's fields
    of the entry are not used.

    Members
    -------
    acc : In(signed(32))
    entry : In(Entry)
    y_type : In(ElementType)
    multiply : In; takes `acc` and `entry` (and of `y_type` whether it is INT32)
    finish : In; takes the product of the last `multiply`
    y : Out(signed(32))

    Timing
    ------
    `y` shows the result in the cycle after `finish`, and holds it. A new `multiply` may go
    together with the `finish` of the one before: one value a cycle.
    """

    acc: In(signed(32))
    entry: In(Entry)
    y_type: In(ElementType)
    multiply: In(1)
    finish: In(1)
    y: Out(signed(32))

    def elaborate(self, platform):
        m = Module()
        product = Signal(signed(49))
        add = Signal(signed(48))
        shift = Signal(6)
        with m.If(self.multiply):
            m.d.sync += [
                product.eq(fit(self.acc * self.entry.mul, signed(49))),
                add.eq(self.entry.add),
                shift.eq(self.entry.shift),
            ]
            with m.If(self.y_type == ElementType.INT32):  # the entry mul 1, add 0, shift 0
                m.d.sync += [product.eq(self.acc), add.eq(0), shift.eq(0)]

        shifted = Signal(signed(50))
        m.d.comb += shifted.eq(fit((product + add) >> shift, signed(50)))
        with m.If(self.finish):
            with m.Switch(self.y_type):
                for y_type, shape in _SHAPES.items():
                    with m.Case(y_type):
                        low, high = bounds(shape)
                        with m.If(shifted < low):
                            m.d.sync += self.y.eq(low)
                        with m.Elif(shifted > high):
                            m.d.sync += self.y.eq(high)
                        with m.Else():
                            m.d.sync += self.y.eq(shifted)
        return m
