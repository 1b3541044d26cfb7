"""Sum and sum of squares of the rows of a matrix."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import CHANNEL_BITS, ElementRow
from hw.common.numeric import adder_tree, wrap
from hw.config import EngineConfig

ELEMENT_BITS = 16
"""Width of an element of LayerNorm: int16, or int8 and uint8 extended."""

TOTAL_BITS = 29
SQUARES_BITS = 43
"""Widths of S1 (signed) and S2 of 4096 elements."""

_FAN_IN = 8  # of a stage's adder trees


class RowSums(data.Struct):
    """A row's elements C, their sum S1 and the sum of their squares S2.

    `release`: the row is the last one of its block.
    """

    channels: CHANNEL_BITS
    total: signed(TOTAL_BITS)
    squares: SQUARES_BITS
    release: 1


class Statistics(wiring.Component):
    """Adds up the elements of rows, and their squares, exactly.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    i : In(stream of ElementRow); whole rows, one after the other, of 1 to 4096 int16 elements
    o : Out(stream of RowSums); `release` is that of the row's last elements

    Timing
    ------
    One ElementRow a cycle. `o` follows a row's last elements by 3 cycles if N <= 8, else by 4. A
    row that is not taken holds the rows behind it: `i.ready` depends combinationally on
    `o.ready`.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(ElementRow(config))),
                "o": Out(stream.Signature(RowSums)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        advance = Signal()
        m.d.comb += [advance.eq(~self.o.valid | self.o.ready), self.i.ready.eq(advance)]

        def registered(values):
            """Return the values of the cycle before."""
            registers = [Signal(value.shape(), name="stage") for value in map(Value.cast, values)]
            with m.If(advance):
                m.d.sync += [r.eq(value) for r, value in zip(registers, values, strict=True)]
            return registers

        row = self.i.payload
        elements = [value[:ELEMENT_BITS].as_signed() for value in row.values]
        flags = registered([self.i.valid, row.first, row.last, row.release, row.count])
        totals = registered([Mux(n < row.count, element, 0) for n, element in enumerate(elements)])

        squares = registered([wrap(x * x, 2 * ELEMENT_BITS - 1) for x in totals])
        totals, flags = registered(totals), registered(flags)
        while len(totals) > _FAN_IN:
            squares, totals = (
                registered(
                    [adder_tree(sums[n : n + _FAN_IN]) for n in range(0, len(sums), _FAN_IN)]
                )
                for sums in (squares, totals)
            )
            flags = registered(flags)

        valid, first, last, release, count = flags
        sums = self.o.payload

        def accumulated(sum_, values, shape):
            return wrap(Mux(first, 0, sum_) + adder_tree(values), shape)

        with m.If(advance):
            m.d.sync += self.o.valid.eq(valid & last)
            with m.If(valid):
                m.d.sync += [
                    sums.channels.eq(accumulated(sums.channels, [count], CHANNEL_BITS)),
                    sums.total.eq(accumulated(sums.total, totals, signed(TOTAL_BITS))),
                    sums.squares.eq(accumulated(sums.squares, squares, SQUARES_BITS)),
                    sums.release.eq(release),
                ]
        return m
