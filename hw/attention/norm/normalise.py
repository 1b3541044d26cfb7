"""Normalisation of elements by the statistics of their rows."""

from amaranth.hdl import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.norm.statistics import ELEMENT_BITS, TOTAL_BITS
from hw.attention.steps import NORM_ROWS
from hw.attention.types import BANKS, ElementRow, RowStatistics
from hw.common.numeric import saturate, wrap
from hw.config import EngineConfig

_BANK_ROWS = 1 << (NORM_ROWS - 1).bit_length()


class Normalise(wiring.Component):
    """Replaces the elements of rows by xhat = clip16((u * r + half) >> shift), u = C*x - S1.

    That happens to those with `normalise`; all others pass as they are. The statistics of two
    blocks of rows are kept, in two banks: those of one block come in row order, the last one with
    `release`, while rows of the block before are normalised. A row waits in front until its own
    statistics are there; it may come several times. The block's last elements carry `release`:
    they free its bank.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    statistics : In(stream of RowStatistics); blocks of 1 to NORM_ROWS rows
    i : In(stream of ElementRow); with `normalise` the elements are int16
    o : Out(stream of ElementRow); xhat is int16, extended

    Timing
    ------
    4 cycles from `i` to `o`, one ElementRow a cycle; all stages are held while `o` is refused:
    `i.ready` depends combinationally on `o.ready`, and on the payload of `i`. A row may be taken
    in the cycle after its statistics were. `statistics.ready` comes from registers; it falls when
    both banks are taken.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "statistics": In(stream.Signature(RowStatistics)),
                "i": In(stream.Signature(ElementRow(config))),
                "o": Out(stream.Signature(ElementRow(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        advance = Signal()
        m.d.comb += advance.eq(~self.o.valid | self.o.ready)

        front = self.i.payload
        there, statistics = self._banks(m, advance)
        open_ = Signal()
        m.d.comb += [
            open_.eq(~front.normalise | there),
            self.i.ready.eq(advance & open_),
        ]

        # The elements x, u and u * r + half; what passes is u of the second stage, with r = 1.
        valid = Signal(3)
        x = Signal(ElementRow(config))
        u = Signal(ElementRow(config))
        tail = Signal(ElementRow(config))  # without its values
        scaled = [
            Signal(signed(32 + ELEMENT_BITS), name=f"scaled_{n}") for n in range(config.units)
        ]
        r, shift, late_shift = Signal(16), Signal(6), Signal(6)
        half = Signal(1 << 5)
        with m.If(advance):
            m.d.sync += [
                Cat(valid, self.o.valid).eq(Cat(self.i.valid & open_, valid)),
                x.eq(front),
                u.eq(x),
                tail.eq(u),
                self.o.payload.eq(tail),
                r.eq(1),
                shift.eq(0),
                half.eq(0),
                late_shift.eq(shift),
            ]
            with m.If(x.normalise):
                m.d.sync += [
                    r.eq(statistics.r),
                    shift.eq(statistics.shift),
                    half.eq((Const(1) << statistics.shift) >> 1),
                ]
                for n in range(config.units):
                    element = x.values[n][:ELEMENT_BITS].as_signed()
                    centred = statistics.channels * element - statistics.total
                    m.d.sync += u.values[n].eq(wrap(centred, signed(TOTAL_BITS)))
            for n in range(config.units):
                m.d.sync += scaled[n].eq(wrap(u.values[n] * r + half, scaled[n].shape()))
                shifted = Signal(scaled[n].shape(), name=f"shifted_{n}")
                m.d.comb += shifted.eq(scaled[n] >> late_shift)
                clipped = saturate(m, shifted, signed(16))
                m.d.sync += self.o.payload.values[n].eq(Mux(tail.normalise, clipped, shifted))
        return m

    def _banks(self, m, advance):
        """Keep the statistics.

        Return whether those of the row at `i` are there and, a cycle after that row moved on,
        what they are.
        """
        m.submodules.rows = rows = memory.Memory(
            shape=RowStatistics, depth=BANKS * _BANK_ROWS, init=()
        )
        write, read = rows.write_port(), rows.read_port()
        filled = Signal(data.ArrayLayout(range(NORM_ROWS + 1), BANKS))
        whole = Signal(BANKS)
        filling = Signal()  # the bank of the statistics that come
        using = Signal()  # the bank of the rows that come
        row = self.i.payload
        there = Signal()
        m.d.comb += [
            self.statistics.ready.eq(~whole.bit_select(filling, 1)),
            write.en.eq(self.statistics.valid & self.statistics.ready),
            write.addr.eq(Cat(filled[filling][: len(write.addr) - 1], filling)),
            write.data.eq(self.statistics.payload),
            there.eq(row.row < filled[using]),
            read.en.eq(advance),
            read.addr.eq(Cat(row.row[: len(read.addr) - 1], using)),
        ]
        with m.If(write.en):
            m.d.sync += filled[filling].eq(filled[filling] + 1)
            with m.If(self.statistics.payload.release):
                m.d.sync += [whole.bit_select(filling, 1).eq(1), filling.eq(~filling)]
        with m.If(self.i.valid & self.i.ready & row.normalise & row.release):
            m.d.sync += [
                filled[using].eq(0),
                whole.bit_select(using, 1).eq(0),
                using.eq(~using),
            ]
        return there, read.data
