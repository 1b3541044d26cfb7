"""One lane of requantisation."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import Entry
from hw.common.numeric import bounds, fit, wrap
from hw.regmap import ElementType

_SHAPES = {
    ElementType.INT8: signed(8),
    ElementType.UINT8: unsigned(8),
    ElementType.INT16: signed(16),
}


class Requantise(wiring.Component):
    """Computes `y = clip((acc * mul + ((r * rmul) << rsh) + add) >> shift)`.

    The sum is formed in 64-bit two's complement and wraps; the shifts go from 0 to 63, the right
    one is arithmetic. The clip is that of `y_type`: none with INT32. With `raw` the sum is `acc`,
    whatever `r` and the entry are, and is not shifted.

    Three steps, each of which takes what the step before left: products, sum, and the clipped
    value `y`.

    Members
    -------
    acc : In(signed(32))
    r : In(signed(16)); a residual element, 0 where there is none
    entry : In(Entry)
    raw : In(1)
    multiply : In(1); takes the four above
    add : In(1)
    y_type : In(ElementType), that of the sum
    y : Out(signed(32))

    Timing
    ------
    `y` is combinational: it belongs to the last `add`. Two cycles from `multiply` to `y`, one
    value a cycle.
    """

    acc: In(signed(32))
    r: In(signed(16))
    entry: In(Entry)
    raw: In(1)
    multiply: In(1)
    add: In(1)
    y_type: In(ElementType)
    y: Out(signed(32))

    def elaborate(self, platform):
        m = Module()
        product = Signal(signed(49))
        residual = Signal(signed(33))
        addend = Signal(signed(48))
        left = Signal(6)
        right = Signal(6)
        with m.If(self.multiply):
            m.d.sync += [
                product.eq(fit(self.acc * self.entry.mul, signed(49))),
                residual.eq(fit(self.r * self.entry.rmul, signed(33))),
                addend.eq(self.entry.add),
                left.eq(self.entry.rsh),
                right.eq(self.entry.shift),
            ]
            with m.If(self.raw):  # the entry mul 1, rmul 0, add 0, shift 0
                m.d.sync += [product.eq(self.acc), residual.eq(0), addend.eq(0), right.eq(0)]

        total = Signal(signed(64))
        amount = Signal(6)
        shifted_left = Signal(signed(64))
        m.d.comb += shifted_left.eq(wrap(residual << left, signed(64)))
        with m.If(self.add):
            m.d.sync += [
                total.eq(wrap(product + addend + shifted_left, signed(64))),
                amount.eq(right),
            ]

        shifted = Signal(64)
        negative = Signal()
        m.d.comb += [
            shifted.eq(total >> amount),
            negative.eq(total[-1]),
            self.y.eq(shifted[:32]),
        ]
        with m.Switch(self.y_type):
            for y_type, shape in _SHAPES.items():
                low, high = bounds(shape)
                above = shifted[high.bit_length() :]
                with m.Case(y_type):
                    with m.If(negative & ((low == 0) | ~above.all())):
                        m.d.comb += self.y.eq(low)
                    with m.Elif(~negative & above.any()):
                        m.d.comb += self.y.eq(high)
        return m
