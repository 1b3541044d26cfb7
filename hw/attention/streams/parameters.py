"""The parameter unit: fills the epilogue's buffers, tile by tile."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.datapath.activation import TABLE_WORDS, TableWrite
from hw.attention.datapath.epilogue import EntryWrite
from hw.attention.queue import Queue
from hw.attention.softmax.dividers import Dividers
from hw.attention.steps import Load, ParameterStep, RowAnswer, RowCommand
from hw.attention.types import MAX_MASS_BITS
from hw.config import ClusterConfig
from hw.regmap import HEAD_PARAMETER, PARAMETER

DIVIDERS = 4
BEATS = 4
"""Rows of words that are on their way or wait to be unpacked."""

TILES_BEHIND = 8
"""More tiles than can be between the issue stage and the writer."""


def _field(words, name):
    """Return field `name` of a HEAD_PARAMETER whose 64-bit words are `words`."""
    for index, field in HEAD_PARAMETER.fields:
        if field.name == name:
            bits = words[index][field.low : field.low + field.width]
            return bits.as_signed() if field.signed else bits
    raise KeyError(name)


class ParameterUnit(wiring.Component):
    """Gets each tile's parameter entries into the epilogue and says when they are there.

    Entries come from memory or, to normalise after A.V, from the masses of the tile's rows and
    their reciprocals. The epilogue holds those of one tile: they are replaced only when all
    outputs of the tiles before have left it. A tile that keeps them waits for nothing.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of ParameterStep), one a tile, and those that load a table
    command : Out(stream of RowCommand)
    row : In(RowAnswer)
    entry : Out(EntryWrite)
    table : Out(TableWrite)
    j, gain : Out(3), Out(1); of the head that was loaded last
    masses_ready : In; the masses of this product's rows are whole
    masses_used : Out, one cycle: they have been read
    mass_row : Out(range(T)), the row whose mass is asked for
    mass : In(24)
    token : Out; a tile's parameters are there
    token_take : In, only with `token`: its outputs are on their way
    tile_done : In, one cycle: all outputs of a tile have left the epilogue

    Timing
    ------
    About 6 cycles until the first entry, then one a cycle as long as rows come (with two words a
    row, 4 in 6 cycles); a word of the table a cycle. Masses take 14 cycles, and 15 more for every
    `DIVIDERS` rows.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        engine = config.engine
        super().__init__(
            {
                "step": In(stream.Signature(ParameterStep(config))),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "entry": Out(EntryWrite(engine)),
                "table": Out(TableWrite()),
                "j": Out(3),
                "gain": Out(1),
                "masses_ready": In(1),
                "masses_used": Out(1),
                "mass_row": Out(range(engine.tile)),
                "mass": In(MAX_MASS_BITS),
                "token": Out(1),
                "token_take": In(1),
                "tile_done": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.dividers = dividers = Dividers(config=self._config.engine, count=DIVIDERS)
        m.submodules.beats = beats = Queue(8 * self._config.engine.lanes, depth=BEATS)
        step = self.step.payload
        behind = Signal(range(TILES_BEHIND + 1))
        with m.If(self.token_take & ~self.tile_done):
            m.d.sync += behind.eq(behind + 1)
        with m.Elif(self.tile_done & ~self.token_take):
            m.d.sync += behind.eq(behind - 1)

        words = Signal(range(max(2 * self._config.engine.tile, TABLE_WORDS) + 1))
        sent = Signal.like(step.count)  # rows whose masses went to the dividers
        with m.Switch(step.load):
            with m.Case(Load.TABLE):
                m.d.comb += words.eq(TABLE_WORDS)
            with m.Case(Load.HEAD):
                m.d.comb += words.eq(HEAD_PARAMETER.words)
            with m.Default():
                m.d.comb += words.eq(step.count << 1)
        loading = Signal()
        asked = self._ask(m, beats, words, loading)
        m.d.comb += [
            self.mass_row.eq(sent),
            dividers.i.payload.row.eq(sent),
            dividers.i.payload.mass.eq(self.mass),
            dividers.i.payload.gain.eq(self.gain),
            self.entry.index.eq(dividers.o.payload.row),
            self.entry.entry.eq(dividers.o.payload.entry),
        ]
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.step.valid):
                    with m.If(step.load == Load.KEEP):
                        m.next = "TOKEN"
                    with m.Elif(behind == 0):
                        with m.If(step.load != Load.MASSES):
                            m.next = "LOAD"
                        with m.Elif(self.masses_ready):
                            m.next = "MASSES"
            with m.State("LOAD"):
                m.d.comb += loading.eq(1)
                self._unpack(m, beats, words, asked)
            self._masses_state(m, dividers, sent)
            with m.State("TOKEN"):
                m.d.comb += [self.token.eq(1), self.step.ready.eq(self.token_take)]
                with m.If(self.token_take):
                    m.next = "IDLE"
        return m

    def _ask(self, m, beats, words, loading):
        """Ask for the step's words while `loading`, a row at a time; return how many were."""
        row_words = self._config.engine.row_words
        command = self.command.payload
        asked = Signal.like(words)
        left = Signal.like(words)
        room = Signal(range(BEATS + 1), init=BEATS)
        taken = Signal()
        freed = beats.o.valid & beats.o.ready
        m.d.comb += [
            left.eq(words - asked),
            self.command.valid.eq(loading & (left != 0) & (room != 0)),
            command.count.eq(Mux(left > row_words, row_words, left)),
            command.word.eq(self.step.payload.word + asked),
            taken.eq(self.command.valid & self.command.ready),
            beats.i.valid.eq(self.row.valid),
            beats.i.payload.eq(self.row.data),
        ]
        with m.If(taken):
            m.d.sync += asked.eq(asked + command.count)
        with m.If(taken & ~freed):
            m.d.sync += room.eq(room - 1)
        with m.Elif(freed & ~taken):
            m.d.sync += room.eq(room + 1)
        return asked

    def _unpack(self, m, beats, words, asked):
        """Hand the words that have come to the epilogue: an entry, or a word of the table."""
        step = self.step.payload
        row_words = self._config.engine.row_words
        done = Signal.like(words)
        following = Signal.like(words)
        pair = Signal(128)  # the two words of which the next one or two are
        is_table = step.load == Load.TABLE
        place = done >> 1
        low, high = pair[:64], pair[64:]
        m.d.comb += [
            following.eq(done + Mux(is_table, 1, 2)),
            pair.eq(beats.o.payload),
            self.table.addr.eq(done),
            self.table.data.eq(Mux(done[0], high, low)),
            self.entry.index.eq(place),
            *(getattr(self.entry.entry, k).eq(_field([low, high], k)) for k in PARAMETER.names),
        ]
        if row_words > 2:
            pairs = place[: row_words.bit_length() - 2]
            m.d.comb += pair.eq(beats.o.payload.word_select(pairs, 128))
        with m.If(beats.o.valid):
            m.d.sync += done.eq(following)
            m.d.comb += self.table.valid.eq(is_table)
            with m.If((step.load == Load.HEAD) & (place != 0)):
                last = [None, None, low]
                m.d.sync += [self.j.eq(_field(last, "j")), self.gain.eq(_field(last, "gain"))]
            with m.Elif(~is_table):
                m.d.comb += self.entry.valid.eq(1)
            with m.If(following >= words):
                m.d.comb += beats.o.ready.eq(1)
                m.d.sync += [done.eq(0), asked.eq(0)]
                m.next = "TOKEN"
                with m.If(is_table):
                    m.d.comb += self.step.ready.eq(1)
                    m.next = "IDLE"
            with m.Elif(following % row_words == 0):
                m.d.comb += beats.o.ready.eq(1)

    def _masses_state(self, m, dividers, sent):
        """Add the state that turns the masses of the tile's rows into entries."""
        rows = self.step.payload.count
        received = Signal.like(rows)
        with m.State("MASSES"):
            m.d.comb += [
                dividers.i.valid.eq(sent != rows),
                dividers.o.ready.eq(1),
                self.entry.valid.eq(dividers.o.valid),
            ]
            with m.If(dividers.i.valid & dividers.i.ready):
                m.d.sync += sent.eq(sent + 1)
            with m.If(dividers.o.valid):
                m.d.sync += received.eq(received + 1)
                with m.If(received + 1 == rows):
                    m.d.comb += self.masses_used.eq(1)
                    m.d.sync += [sent.eq(0), received.eq(0)]
                    m.next = "TOKEN"
