"""How many keys a row block of attention sees."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import SIZE_BITS, Mask


class BlockSight(wiring.Component):
    """Counts the keys that at least one row of a block sees; they are the first ones.

    Its last row sees the most. The count is at least 1: a block that sees nothing goes through
    the same steps as any other, with every exponential 0.

    Members
    -------
    row : In(16); the block's first row
    rows : In(7); its rows, at least 1
    mask : In(Mask); `kv_length` does not exceed the job's keys
    keys : Out(16)

    Timing
    ------
    `keys` two cycles after the inputs.
    """

    row: In(SIZE_BITS)
    rows: In(7)
    mask: In(Mask)
    keys: Out(SIZE_BITS)

    def elaborate(self, platform):
        m = Module()
        past_last = Signal(signed(SIZE_BITS + 2))  # keys that the last row sees, by its place
        m.d.sync += past_last.eq(self.row + self.rows + self.mask.offset)
        seen = Mux(
            self.mask.causal & (past_last < self.mask.kv_length), past_last, self.mask.kv_length
        )
        m.d.sync += self.keys.eq(Mux(seen < 1, 1, seen))
        return m
