"""Row blocks as equal as can be."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import SIZE_BITS


class BlockRows(wiring.Component):
    """Finds the rows of a block: n = ceil(rows / T) blocks of ceil(rows / n) rows.

    That is T less the quotient of what n blocks of T rows would be too many, found bit by bit.

    Parameters
    ----------
    tile : int
        T, a power of two of at least 2.

    Members
    -------
    rows : In(16), at least 1, held from `start` to `done`
    start : In, one cycle
    done : Out, one cycle
    block_rows : Out(range(T + 1)), with `done` and until the next `start`

    Timing
    ------
    log2(T) + 1 cycles from `start` to `done`.
    """

    def __init__(self, *, tile):
        self._tile = tile
        super().__init__(
            {
                "rows": In(SIZE_BITS),
                "start": In(1),
                "done": Out(1),
                "block_rows": Out(range(tile + 1)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        tile_bits = self._tile.bit_length() - 1
        count = Signal(SIZE_BITS)  # n
        excess = Signal(range(self._tile))
        bit = Signal(range(tile_bits))
        busy = Signal()
        rounded = Signal(SIZE_BITS + 1)
        part = Signal(SIZE_BITS + tile_bits)
        m.d.comb += [
            rounded.eq(self.rows + (self._tile - 1)),
            part.eq(count << bit),
        ]
        m.d.sync += self.done.eq(busy & (bit == 0))
        with m.If(self.start):
            m.d.sync += [
                count.eq(rounded >> tile_bits),
                excess.eq(~rounded[:tile_bits]),
                bit.eq(tile_bits - 1),
                self.block_rows.eq(self._tile),
                busy.eq(1),
            ]
        with m.Elif(busy):
            with m.If(excess >= part):
                m.d.sync += [
                    excess.eq(excess - part),
                    self.block_rows.eq(self.block_rows - (1 << bit)),
                ]
            m.d.sync += [bit.eq(bit - 1), busy.eq(bit != 0)]
        return m
