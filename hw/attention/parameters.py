"""The parameter unit: fills the epilogue's buffers, tile by tile."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.activation import TABLE_WORDS, TableWrite
from hw.attention.epilogue import EntryWrite
from hw.attention.reciprocal import Reciprocal
from hw.attention.steps import Load, ParameterStep, RowAnswer, RowCommand
from hw.attention.types import MAX_MASS_BITS
from hw.config import ClusterConfig
from hw.regmap import HEAD_PARAMETER, PARAMETER

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
    A tile's entries take 5 cycles for each `row_words` words of them and one an entry; masses
    15 cycles a row.
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
        m.submodules.reciprocal = reciprocal = Reciprocal(config=self._config.engine)
        step = self.step.payload
        behind = Signal(range(TILES_BEHIND + 1))
        with m.If(self.token_take & ~self.tile_done):
            m.d.sync += behind.eq(behind + 1)
        with m.Elif(self.tile_done & ~self.token_take):
            m.d.sync += behind.eq(behind - 1)

        words = Signal(range(max(2 * self._config.engine.tile, TABLE_WORDS) + 1))
        done = Signal.like(words)  # of these words, handed over
        sent = Signal.like(step.count)  # rows whose masses went to the divider
        with m.Switch(step.load):
            with m.Case(Load.TABLE):
                m.d.comb += words.eq(TABLE_WORDS)
            with m.Case(Load.HEAD):
                m.d.comb += words.eq(HEAD_PARAMETER.words)
            with m.Default():
                m.d.comb += words.eq(step.count << 1)
        m.d.comb += [
            self.mass_row.eq(sent),
            reciprocal.i.payload.row.eq(sent),
            reciprocal.i.payload.mass.eq(self.mass),
            reciprocal.i.payload.gain.eq(self.gain),
            self.entry.index.eq(reciprocal.o.payload.row),
            self.entry.entry.eq(reciprocal.o.payload.entry),
        ]
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.step.valid):
                    with m.If(step.load == Load.KEEP):
                        m.next = "TOKEN"
                    with m.Elif(behind == 0):
                        with m.If(step.load != Load.MASSES):
                            m.next = "FETCH"
                        with m.Elif(self.masses_ready):
                            m.next = "MASSES"
            self._fetch_states(m, words, done)
            self._masses_state(m, reciprocal, sent)
            with m.State("TOKEN"):
                m.d.comb += [self.token.eq(1), self.step.ready.eq(self.token_take)]
                with m.If(self.token_take):
                    m.next = "IDLE"
        return m

    def _fetch_states(self, m, words, done):
        """Add the states that fetch rows of words and hand them to the epilogue."""
        step = self.step.payload
        command = self.command.payload
        row_words = self._config.engine.row_words
        in_beat = Signal(range(row_words + 1))  # words in `beat` that are not
        beat = Signal(64 * row_words)
        place = Signal(range(max(self._config.engine.tile, TABLE_WORDS)))
        left = words - done
        is_table = step.load == Load.TABLE
        with m.State("FETCH"):
            m.d.comb += [
                self.command.valid.eq(1),
                command.count.eq(Mux(left > row_words, row_words, left)),
                command.word.eq(step.word + done),
            ]
            with m.If(self.command.ready):
                m.d.sync += in_beat.eq(command.count)
                m.next = "WAIT"
        with m.State("WAIT"):
            with m.If(self.row.valid):
                m.d.sync += beat.eq(self.row.data)
                m.next = "UNPACK"
        with m.State("UNPACK"):
            pair = [beat[:64], beat[64:128]]
            advance = Mux(is_table, 1, 2)
            m.d.comb += [
                self.table.valid.eq(is_table),
                self.table.addr.eq(place),
                self.table.data.eq(pair[0]),
                self.entry.index.eq(place),
                *(getattr(self.entry.entry, k).eq(_field(pair, k)) for k in PARAMETER.names),
            ]
            with m.If((step.load == Load.HEAD) & (place != 0)):
                # The third word.
                last = [None, None, pair[0]]
                m.d.sync += [self.j.eq(_field(last, "j")), self.gain.eq(_field(last, "gain"))]
            with m.Elif(~is_table):
                m.d.comb += self.entry.valid.eq(1)
            m.d.sync += [
                place.eq(place + 1),
                done.eq(done + advance),
                in_beat.eq(in_beat - advance),
                beat.eq(beat >> Mux(is_table, 64, 128)),
            ]
            with m.If(left <= advance):
                m.d.sync += [place.eq(0), done.eq(0)]
                m.next = "TOKEN"
                with m.If(is_table):
                    m.d.comb += self.step.ready.eq(1)
                    m.next = "IDLE"
            with m.Elif(in_beat <= advance):
                m.next = "FETCH"

    def _masses_state(self, m, reciprocal, sent):
        """Add the state that turns the masses of the tile's rows into entries."""
        rows = self.step.payload.count
        received = Signal.like(rows)
        with m.State("MASSES"):
            m.d.comb += [
                reciprocal.i.valid.eq(sent != rows),
                reciprocal.o.ready.eq(1),
                self.entry.valid.eq(reciprocal.o.valid),
            ]
            with m.If(reciprocal.i.valid & reciprocal.i.ready):
                m.d.sync += sent.eq(sent + 1)
            with m.If(reciprocal.o.valid):
                m.d.sync += received.eq(received + 1)
                with m.If(received + 1 == rows):
                    m.d.comb += self.masses_used.eq(1)
                    m.d.sync += [sent.eq(0), received.eq(0)]
                    m.next = "TOKEN"
