"""The writer: turns output rows into words and spreads these over the ports."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.softmax.row_maximum import LogitRow
from hw.attention.steps import (
    Mask,
    OutputStep,
    WordWrite,
    first_lanes,
    keys_in_sight,
    word_bits,
)
from hw.attention.types import OutputRow
from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import ElementType


class Writer(wiring.Component):
    """Writes output tiles and, between jobs, single words.

    A tile's outputs come group by group, in each group row by row. Each row's N elements become
    words whose strobes cover the tile's columns only: bytes beyond a row's end are never written.
    Words go to the next ports, counted from where the last ones went, whose queues have room.

    Rows of logits also go to the row maximum, with the lanes that the mask shows.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of OutputStep)
    i : In(stream of OutputRow)
    y_type : In(ElementType), does not change while rows are under way
    mask : In(Mask), likewise
    logits : Out(LogitRow)
    tile_done : Out, one cycle: the last output of a tile was taken
    word : In(stream of WordWrite), taken when no output is under way
    write : Out(stream of WordWrite) for each port
    idle : Out; no tile is under way and every word has gone to a port

    Timing
    ------
    An output row a cycle when its words find room (two cycles or more where it makes more words
    than there are ports). One cycle from `i` to `write`; `i.ready` depends on `write.ready`.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        engine = config.engine
        self._bytes = max(4 * engine.units, WORD_BYTES)  # of an int32 output row
        self._words = min(self._bytes // WORD_BYTES, engine.ports)  # a cycle
        super().__init__(
            {
                "step": In(stream.Signature(OutputStep(config))),
                "i": In(stream.Signature(OutputRow(engine))),
                "y_type": In(ElementType),
                "mask": In(Mask),
                "logits": Out(LogitRow(engine)),
                "tile_done": Out(1),
                "word": In(stream.Signature(WordWrite(config))),
                "write": Out(stream.Signature(WordWrite(config))).array(engine.ports),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        held_shape = data.StructLayout(
            {
                "word": word_bits(self._config),
                "count": range(self._words + 1),
                "data": data.ArrayLayout(64, self._words),
                "strobe": data.ArrayLayout(WORD_BYTES, self._words),
            }
        )
        held = Signal(held_shape)
        held_gone = Signal()
        can_hold = Signal()
        m.d.comb += [
            can_hold.eq((held.count == 0) | held_gone),
            self.idle.eq(~self.step.valid & (held.count == 0)),
        ]
        with m.If(held_gone):
            m.d.sync += held.count.eq(0)
        self._pack(m, held, can_hold)
        self._spread(m, held, held_gone)
        return m

    def _pack(self, m, held, can_hold):
        """Turn the output row at `i`, or the word at `word`, into the words of `held`."""
        units = self._config.engine.units
        step, row = self.step.payload, self.i.payload
        log_bytes = Signal(2)  # of an element
        with m.Switch(self.y_type):
            with m.Case(ElementType.INT32):
                m.d.comb += log_bytes.eq(2)
            with m.Case(ElementType.INT16):
                m.d.comb += log_bytes.eq(1)

        # Columns of this row's group that are part of the tile, and where its bytes go.
        column = row.group * units
        left = step.columns - column
        columns = Signal(range(units + 1))
        row_bytes = Signal(range(self._bytes + 1))
        offset = Signal(range(4 * self._config.engine.tile))
        line = Signal.like(step.word)  # of rows after the first
        start = Mux(row.row == 0, step.word, line)
        m.d.comb += [
            columns.eq(Mux(left > units, units, left)),
            row_bytes.eq(columns << log_bytes),
            offset.eq(column << log_bytes),
        ]
        inside = offset[:3]  # not 0 only where N elements are less than a word
        packed = Signal(8 * self._bytes)
        strobes = Signal(self._bytes)
        m.d.comb += strobes.eq(first_lanes(row_bytes, self._bytes) << inside)
        for log, width in ((0, 8), (1, 16), (2, 32)):
            elements = Cat(value[:width] for value in row.values)
            if len(elements) < 64:
                elements = elements.replicate(64 // len(elements))
            with m.If(log_bytes == log):
                m.d.comb += packed.eq(elements)

        # Chunks of as many words as there are ports, where a row makes more.
        row_words = Signal(range(self._bytes // WORD_BYTES + 1))
        chunk_words = self._words
        chunks = self._bytes // WORD_BYTES // chunk_words
        chunk = Signal(range(max(2, chunks)))
        last_chunk = Signal()
        m.d.comb += [
            row_words.eq((row_bytes + (WORD_BYTES - 1)) >> 3),
            last_chunk.eq(row_words <= (chunk + 1) * chunk_words),
        ]
        take = Signal()
        last_row = row.row + 1 == step.rows
        m.d.comb += [
            take.eq(self.i.valid & self.step.valid & can_hold),
            self.i.ready.eq(self.step.valid & can_hold & last_chunk),
            self.tile_done.eq(take & last_chunk & last_row & (left <= units)),
            self.step.ready.eq(self.tile_done),
            self.word.ready.eq(~self.step.valid & can_hold),
        ]
        with m.If(take):
            m.d.sync += [
                chunk.eq(Mux(last_chunk, 0, chunk + 1)),
                held.word.eq(start + (offset >> 3) + chunk * chunk_words),
                held.count.eq(Mux(last_chunk, row_words - chunk * chunk_words, chunk_words)),
                held.data.eq(packed.word_select(chunk, 64 * chunk_words)),
                held.strobe.eq(strobes.word_select(chunk, WORD_BYTES * chunk_words)),
            ]
            with m.If(last_chunk):
                m.d.sync += line.eq(start + step.stride)
        with m.Elif(self.word.valid & self.word.ready):
            m.d.sync += [
                held.word.eq(self.word.payload.word),
                held.count.eq(1),
                held.data[0].eq(self.word.payload.data),
                held.strobe[0].eq(self.word.payload.strobe),
            ]

        seen = keys_in_sight(m, self.mask, step.row + row.row, step.key + column, columns)
        m.d.comb += [
            self.logits.valid.eq(take & last_chunk & step.logits),
            self.logits.row.eq(row.row),
            self.logits.keep.eq(first_lanes(seen, units)),
            *(self.logits.values[n].eq(row.values[n][:8]) for n in range(units)),
        ]

    def _spread(self, m, held, held_gone):
        """Hand the words of `held` to ports with room, all in one cycle."""
        ports = self._config.engine.ports
        turn = Signal(range(ports))
        ready = Cat(write.ready for write in self.write)
        turned = Signal(ports)  # bit p: the port p after `turn` has room
        m.d.comb += turned.eq(Cat(ready, ready) >> turn)
        before = [Const(0, 1)]  # ports with room before the port p after `turn`
        for p in range(ports):
            count = Signal(range(ports + 1), name=f"room_{p}")
            m.d.comb += count.eq(before[-1] + turned[p])
            before.append(count)
        m.d.comb += held_gone.eq((held.count != 0) & (before[ports] >= held.count))
        with m.If(held_gone):
            m.d.sync += turn.eq(turn + held.count)

        places = Array(before[:ports])
        for p, write in enumerate(self.write):
            index = Signal(range(ports + 1), name=f"index_{p}")
            distance = Signal(range(ports), name=f"distance_{p}")
            m.d.comb += [
                distance.eq(p - turn),
                index.eq(places[distance]),
                write.valid.eq(held_gone & write.ready & (index < held.count)),
                write.payload.word.eq(held.word + index),
                write.payload.data.eq(held.data[index]),
                write.payload.strobe.eq(held.strobe[index]),
            ]
