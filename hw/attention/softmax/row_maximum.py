"""The largest logit of each row of a block."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import BANKS, LogitRow
from hw.common.numeric import tree
from hw.config import EngineConfig

NO_LOGIT = -128


class RowMaximum(wiring.Component):
    """Keeps, for each of T rows in each of two banks, the maximum of the logits that count.

    A row without any has -128: no logit is lower, so it never spoils a maximum, and every
    exponential of such a row is masked anyway. Nothing is there before a row's `first` logits.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    update : In(LogitRow)
    bank : In, the bank to read
    row : In(range(T)), the row to read
    maximum : Out(signed(8)), of that row in that bank

    Timing
    ------
    One update a cycle, in any order of rows; read three cycles later at the earliest, it is seen.
    `bank` and `row` to `maximum` is combinational: a multiplexer of 2 * T registers.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "update": In(LogitRow(config)),
                "bank": In(1),
                "row": In(range(config.tile)),
                "maximum": Out(signed(8)),
            }
        )

    def elaborate(self, platform):
        m = Module()

        def larger(a, b):
            result = Signal(signed(8))
            m.d.comb += result.eq(Mux(a > b, a, b))
            return result

        # First stage: the largest of every few logits, as many as make both trees alike.
        kept = [
            Mux(keep, value, NO_LOGIT)
            for keep, value in zip(self.update.keep, self.update.values, strict=True)
        ]
        few = 1 << (len(kept).bit_length() // 2)
        parts = [kept[n : n + few] for n in range(0, len(kept), few)]
        larges = Signal(data.ArrayLayout(signed(8), len(parts)))
        for large, part in zip(larges, parts, strict=True):
            m.d.sync += large.eq(tree(part, larger))

        # Second stage: the largest of them all.
        largest = Signal(signed(8))
        m.d.sync += largest.eq(tree(list(larges), larger))
        place = data.StructLayout({"valid": 1, "first": 1, "row": Cat(self.row, self.bank).shape()})
        compared, chosen = Signal(place), Signal(place)
        m.d.sync += [
            compared.valid.eq(self.update.valid),
            compared.first.eq(self.update.first),
            compared.row.eq(Cat(self.update.row, self.update.bank)),
            chosen.eq(compared),
        ]

        # Third stage: what the row has had so far.
        rows = Signal(data.ArrayLayout(signed(8), BANKS * self._config.tile))
        better = chosen.first | (largest > rows[chosen.row])
        with m.If(chosen.valid & better):
            m.d.sync += rows[chosen.row].eq(largest)
        m.d.comb += self.maximum.eq(rows[Cat(self.row, self.bank)])
        return m
