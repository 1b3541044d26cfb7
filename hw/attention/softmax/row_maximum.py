"""The largest logit of each row of a block."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.common.numeric import tree
from hw.config import EngineConfig

NO_LOGIT = -128


class LogitRow(wiring.Signature):
    """N neighbouring logits: `valid`, tile `row`, `values` (int8), and which count: `keep`."""

    def __init__(self, config: EngineConfig):
        super().__init__(
            {
                "valid": Out(1),
                "row": Out(range(config.tile)),
                "values": Out(data.ArrayLayout(signed(8), config.units)),
                "keep": Out(config.units),
            }
        )


class RowMaximum(wiring.Component):
    """Keeps, for each of T rows, the maximum of the logits that count.

    A row without any has -128: no logit is lower, so it never spoils a maximum, and every
    exponential of such a row is masked anyway.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    update : In(LogitRow)
    clear : In; forgets all rows, and wins over `update`
    row : In(range(T)), the row to read
    maximum : Out(signed(8)), of that row

    Timing
    ------
    One update a cycle, seen at `maximum` in the next. `row` to `maximum` is combinational.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "update": In(LogitRow(config)),
                "clear": In(1),
                "row": In(range(config.tile)),
                "maximum": Out(signed(8)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        shape = data.ArrayLayout(signed(8), self._config.tile)
        rows = Signal(shape, init=[NO_LOGIT] * self._config.tile)
        m.d.comb += self.maximum.eq(rows[self.row])

        def larger(a, b):
            result = Signal(signed(8))
            m.d.comb += result.eq(Mux(a > b, a, b))
            return result

        kept = [
            Mux(keep, value, NO_LOGIT)
            for keep, value in zip(self.update.keep, self.update.values, strict=True)
        ]
        largest = tree(kept, larger)
        with m.If(self.clear):
            m.d.sync += rows.eq(rows.shape().const([NO_LOGIT] * self._config.tile))
        with m.Elif(self.update.valid & (largest > rows[self.update.row])):
            m.d.sync += rows[self.update.row].eq(largest)
        return m
