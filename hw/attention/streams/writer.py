"""The writer: turns output rows into words and spreads these over the ports."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import (
    POSITION_BITS,
    SIZE_BITS,
    OutputStep,
    WordWrite,
    first_lanes,
    word_bits,
)
from hw.attention.streams.fence import WORD_COUNT_BITS
from hw.attention.streams.port import PortLoad
from hw.attention.types import LogitRow, OutputRow
from hw.common.numeric import adder_tree
from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import ElementType


class Writer(wiring.Component):
    """Writes output tiles and single words of the control.

    A tile's outputs come group by group, in each group row by row, or the other way round
    (`by_row`). Each row's N elements become words whose strobes cover the tile's columns only:
    bytes beyond a row's end are never written. Words go to the emptiest ports that have room,
    in turn where several are alike.

    Rows of logits also go to the row maximum, with the lanes that the mask shows.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of OutputStep), taken with the last outputs of its tile
    i : In(stream of OutputRow)
    word : In(stream of WordWrite), goes before any output
    logits : Out(LogitRow)
    write : Out(stream of WordWrite) for each port
    load : In(PortLoad) for each port; `write.ready` is high in the cycle after any but CROWDED
    issued : Out; output rows of which every word was handed to the ports, modulo 2^24
    words : Out; single words handed to the ports, modulo 8
    idle : Out; no tile is under way and every word has gone to a port

    Timing
    ------
    An output row a cycle when its words find room (two cycles or more where it makes more words
    than there are ports). One cycle from `i` to `write`, one from there to `issued`, two from `i`
    to `logits`. A port's room counts from the cycle after it showed it, but where the words go
    depends combinationally on `write.ready` and `load`. So does `i.ready` on `step` and
    `word.valid`.
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
                "word": In(stream.Signature(WordWrite(config))),
                "logits": Out(LogitRow(engine)),
                "write": Out(stream.Signature(WordWrite(config))).array(engine.ports),
                "load": In(PortLoad).array(engine.ports),
                "issued": Out(POSITION_BITS),
                "words": Out(WORD_COUNT_BITS),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        held_shape = data.StructLayout(
            {
                "word": word_bits(self._config),
                "count": range(self._words + 1),
                "ends_row": 1,
                "single": 1,
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
            m.d.sync += [
                held.count.eq(0),
                self.issued.eq(self.issued + held.ends_row),
                self.words.eq(self.words + held.single),
            ]
        self._pack(m, held, can_hold)
        self._spread(m, held, held_gone)
        return m

    def _pack(self, m, held, can_hold):
        """Turn the output row at `i`, or the word at `word`, into the words of `held`."""
        units = self._config.engine.units
        step, row = self.step.payload, self.i.payload
        log_bytes = Signal(2)  # of an element
        with m.Switch(step.y_type):
            with m.Case(ElementType.INT32):
                m.d.comb += log_bytes.eq(2)
            with m.Case(ElementType.INT16):
                m.d.comb += log_bytes.eq(1)

        # Columns of this row's group that are part of the tile, and where its bytes go.
        column = row.group * units
        left = Signal.like(step.columns)
        last_group = Signal()
        columns = Signal(range(units + 1))
        row_bytes = Signal(range(self._bytes + 1))
        offset = Signal(range(4 * self._config.engine.tile))
        line = Signal.like(step.word)  # of rows after the first
        start = Signal.like(step.word)
        m.d.comb += [
            left.eq(step.columns - column),
            last_group.eq(left <= units),
            columns.eq(Mux(last_group, left, units)),
            row_bytes.eq(columns << log_bytes),
            offset.eq(column << log_bytes),
            start.eq(Mux(row.row == 0, step.word, line)),
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
        take = Signal()
        last_row = Signal()
        m.d.comb += [
            row_words.eq((row_bytes + (WORD_BYTES - 1)) >> 3),
            last_chunk.eq(1 if chunks == 1 else row_words <= (chunk + 1) * chunk_words),
            last_row.eq(row.row + 1 == step.rows),
            self.word.ready.eq(can_hold),
            take.eq(self.i.valid & self.step.valid & can_hold & ~self.word.valid),
            self.i.ready.eq(self.step.valid & can_hold & ~self.word.valid & last_chunk),
            self.step.ready.eq(take & last_chunk & last_row & last_group),
        ]
        with m.If(take):
            m.d.sync += [
                chunk.eq(Mux(last_chunk, 0, chunk + 1)),
                held.word.eq(start + ((offset >> 3) + chunk * chunk_words)),
                held.count.eq(Mux(last_chunk, row_words - chunk * chunk_words, chunk_words)),
                held.ends_row.eq(last_chunk),
                held.single.eq(0),
                held.data.eq(packed.word_select(chunk, 64 * chunk_words)),
                held.strobe.eq(strobes.word_select(chunk, WORD_BYTES * chunk_words)),
            ]
            with m.If(last_chunk & (last_group | ~step.by_row)):
                m.d.sync += line.eq(start + step.stride)
        with m.Elif(self.word.valid & self.word.ready):
            m.d.sync += [
                held.word.eq(self.word.payload.word),
                held.count.eq(1),
                held.ends_row.eq(0),
                held.single.eq(1),
                held.data[0].eq(self.word.payload.data),
                held.strobe[0].eq(self.word.payload.strobe),
            ]
        self._tell_logits(m, take & last_chunk & step.logits, column, columns)

    def _tell_logits(self, m, valid, column, columns):
        """Send the row at `i` to the row maximum, with the keys that its query sees.

        First cycle: how many keys the mask would show from the row's first one on; second: how
        many of the row's there are.
        """
        units = self._config.engine.units
        step, row = self.step.payload, self.i.payload
        shown = data.StructLayout(
            {
                "valid": 1,
                "row": range(self._config.engine.tile),
                "bank": 1,
                "first": 1,
                "values": data.ArrayLayout(signed(8), units),
            }
        )
        before, after = Signal(shown), Signal(shown)
        there = Signal(signed(SIZE_BITS + 1))
        in_sight = Signal(signed(SIZE_BITS + 2))
        count = Signal.like(columns)
        causal = Signal()
        seen = Signal.like(columns)
        seen_there = Signal.like(columns)
        m.d.sync += [
            before.valid.eq(valid),
            before.row.eq(row.row),
            before.bank.eq(step.turn[0]),
            before.first.eq((step.key == 0) & (row.group == 0)),
            *(before.values[n].eq(row.values[n][:8]) for n in range(units)),
            there.eq(step.mask.kv_length - step.key - column),
            in_sight.eq(step.row + step.mask.offset + 1 - step.key + row.row - column),
            causal.eq(step.mask.causal),
            count.eq(columns),
            after.eq(before),
            seen.eq(
                Mux(causal & (in_sight < seen_there), Mux(in_sight < 0, 0, in_sight), seen_there)
            ),
        ]
        m.d.comb += [
            seen_there.eq(Mux(there < 0, 0, Mux(there < count, there, count))),
            *(getattr(self.logits, name).eq(after[name]) for name in shown.members),
            self.logits.keep.eq(first_lanes(seen, units)),
        ]

    def _spread(self, m, held, held_gone):
        """Hand the words of `held` to ports with room, all in one cycle, the emptiest first."""
        ports = self._config.engine.ports
        turn = Signal(range(ports))  # of ports that are alike this one comes first
        ready = Cat(write.ready for write in self.write)
        room = Signal(range(ports + 1))  # ports that surely have room: a cycle earlier they had
        after_turn = Signal(ports)
        m.d.sync += room.eq(adder_tree(load != PortLoad.CROWDED for load in self.load))
        m.d.comb += [
            held_gone.eq((held.count != 0) & (room >= held.count)),
            after_turn.eq(Const((1 << ports) - 1, ports) << turn),
        ]
        with m.If(held_gone):
            m.d.sync += turn.eq(turn + held.count)

        before = [[] for _ in range(ports)]  # for each port: the ports that come before it
        for q in range(ports):
            for p in range(q):
                loads = [Value.cast(self.load[port]) for port in (p, q)]
                p_first = Signal(name=f"first_{p}_{q}")
                m.d.comb += p_first.eq(
                    (loads[0] < loads[1])
                    | (loads[0] == loads[1]) & (after_turn[p] | ~after_turn[q])
                )
                before[q].append(ready[p] & p_first)
                before[p].append(ready[q] & ~p_first)
        words = Array(held.word + n for n in range(self._words))
        for port, write in enumerate(self.write):
            place = Signal(range(ports), name=f"place_{port}")
            m.d.comb += [
                place.eq(adder_tree(before[port])),
                write.valid.eq(held_gone & write.ready & (place < held.count)),
                write.payload.word.eq(words[place]),
                write.payload.data.eq(held.data[place]),
                write.payload.strobe.eq(held.strobe[place]),
            ]
