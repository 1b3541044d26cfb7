"""The parameter unit: fills the epilogue's buffers, two of entries and two of tables."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.queue import Queue
from hw.attention.steps import (
    POSITION_BITS,
    TURN_BITS,
    Load,
    ParameterStep,
    RowAnswer,
    RowCommand,
    is_open,
)
from hw.attention.types import (
    BANKS,
    TABLE_WORDS,
    EntryWrite,
    RowEntry,
    TableWrite,
    entries_a_cycle,
)
from hw.config import ClusterConfig
from hw.regmap import HEAD_PARAMETER, PARAMETER

STEPS_INSIDE = 4
"""Steps whose words are on their way: no more can have a bank."""


def _field(words, name):
    """Return field `name` of a HEAD_PARAMETER whose 64-bit words are `words`."""
    for index, field in HEAD_PARAMETER.fields:
        if field.name == name:
            bits = words[index][field.low : field.low + field.width]
            return bits.as_signed() if field.signed else bits
    raise KeyError(name)


class ParameterUnit(wiring.Component):
    """Gets parameter entries and tables into the epilogue and says which of them are there.

    A step begins when its bank is free and its gate is open. It takes the bank, fills it in index
    order, and the epilogue releases it. Entries come from memory or, to normalise after A.V, from
    the reciprocals of the rows' masses; those may come from when the step has opened on.

    No more words are asked for than can be handed on in a cycle: an answer never waits. Masses do
    not wait either, so their step begins when no answer is on its way, and ends before others
    begin.

    A head's j and gain replace those of four blocks before, which nobody needs any more: loads
    take turns with the two banks, so this one began when the last load but one had been released.
    That one was for a later product than the old block's A.V, and outputs are in order: all of
    the old block's exponentials are computed. The entry of a head counts as filled when its j and
    gain are there as well, so no logit that it makes can come back before them.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of ParameterStep), with any load but NONE
    command : Out(stream of RowCommand)
    row : In(RowAnswer)
    performed : In(24), the position before which all writes are performed
    waiting : Out; the step that is next is held back by its gate
    entry : Out(EntryWrite)
    filled : Out(2 x range(T + 1)); entries that are in each bank
    release : In(2), one cycle each: the bank is not needed any more
    table : Out(TableWrite)
    table_filled : Out(2); the table is in this bank
    table_release : In(2), one cycle each
    j, gain : Out(4 x 3 bits), Out(4 x 1 bit); of the heads of each turn
    masses_open : Out; the rows' masses of the next sums may be taken
    masses_take : In, only with `masses_open`: they are on their way
    masses : In(stream of RowEntry), always taken: as many as the step says, after `masses_take`

    Timing
    ------
    A step's first words are asked for in the cycle after it began, then those of
    `entries_a_cycle` entries, or of a word of a table, a cycle. The next step begins in the cycle
    after the last were asked for. Entries are written in the cycle of the answer and count as
    filled in the next; a bank that is released counts as empty in the next. `entry` and `table`
    depend combinationally on `row` and `masses`.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        engine = config.engine
        turns = 1 << TURN_BITS
        super().__init__(
            {
                "step": In(stream.Signature(ParameterStep(config))),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "performed": In(POSITION_BITS),
                "waiting": Out(1),
                "entry": Out(EntryWrite(engine)),
                "filled": Out(data.ArrayLayout(range(engine.tile + 1), BANKS)),
                "release": In(BANKS),
                "table": Out(TableWrite()),
                "table_filled": Out(BANKS),
                "table_release": In(BANKS),
                "j": Out(data.ArrayLayout(3, turns)),
                "gain": Out(data.ArrayLayout(1, turns)),
                "masses_open": Out(1),
                "masses_take": In(1),
                "masses": In(stream.Signature(RowEntry(engine))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        step = self.step.payload
        inside = data.StructLayout(
            {name: step[name].shape() for name in ("load", "count", "bank", "turn")}
        )
        m.submodules.begun = begun = Queue(inside, depth=STEPS_INSIDE)
        is_table = step.load == Load.TABLE
        is_masses = step.load == Load.MASSES

        # Beginning.
        taken = Signal(BANKS)
        table_taken = Signal(BANKS)
        masses_left = Signal.like(step.count)
        free = Signal()
        gate_open = Signal()
        begin = Signal()
        asking = self._ask(m, begin)
        m.d.comb += [
            free.eq(~Mux(is_table, table_taken, taken).bit_select(step.bank, 1)),
            gate_open.eq(is_open(m, step.gate, self.performed)),
            self.waiting.eq(self.step.valid & ~gate_open),
            begin.eq(
                (self.step.valid & gate_open & free & begun.i.ready)
                & (~asking & (masses_left == 0) & ~(is_masses & begun.o.valid))
            ),
            self.step.ready.eq(begin),
            begun.i.valid.eq(begin & ~is_masses),
            *(begun.i.payload[name].eq(step[name]) for name in inside.members),
        ]
        for bank in range(BANKS):
            mine = begin & (step.bank == bank)
            with m.If(mine & ~is_table):
                m.d.sync += taken[bank].eq(1)
            with m.Elif(self.release[bank]):
                m.d.sync += taken[bank].eq(0)
            with m.If(mine & is_table):
                m.d.sync += table_taken[bank].eq(1)
            with m.Elif(self.table_release[bank]):
                m.d.sync += [table_taken[bank].eq(0), self.table_filled[bank].eq(0)]

        self._unpack(m, begun)

        # Masses.
        bank = Signal()
        m.d.comb += self.masses.ready.eq(1)
        with m.If(begin & is_masses):
            m.d.sync += [masses_left.eq(step.count), bank.eq(step.bank), self.masses_open.eq(1)]
        with m.If(self.masses_take):
            m.d.sync += self.masses_open.eq(0)
        with m.If(self.masses.valid):
            m.d.comb += [
                self.entry.valid.eq(1),
                self.entry.single.eq(1),
                self.entry.bank.eq(bank),
                self.entry.index.eq(self.masses.payload.row),
                self.entry.entries[0].eq(self.masses.payload.entry),
            ]
            m.d.sync += [
                masses_left.eq(masses_left - 1),
                self.filled[bank].eq(self.masses.payload.row + 1),
            ]

        for bank in range(BANKS):
            with m.If(self.release[bank]):
                m.d.sync += self.filled[bank].eq(0)
        return m

    def _ask(self, m, begin):
        """Ask for a step's words once it has begun; return whether some are left to ask for."""
        step, command = self.step.payload, self.command.payload
        words = 2 * entries_a_cycle(self._config.engine)
        left = Signal(range(max(2 * self._config.engine.tile, TABLE_WORDS) + 1))
        singly = Signal()
        m.d.comb += [
            self.command.valid.eq(left != 0),
            command.count.eq(Mux(singly, 1, Mux(left < words, left, words))),
        ]
        with m.If(begin):
            m.d.sync += [command.word.eq(step.word), singly.eq(step.load == Load.TABLE)]
            with m.Switch(step.load):
                with m.Case(Load.TABLE):
                    m.d.sync += left.eq(TABLE_WORDS)
                with m.Case(Load.HEAD):
                    m.d.sync += left.eq(HEAD_PARAMETER.words)
                with m.Case(Load.ENTRIES):
                    m.d.sync += left.eq(step.count << 1)
        with m.Elif(self.command.valid & self.command.ready):
            m.d.sync += [
                command.word.eq(command.word + command.count),
                left.eq(left - command.count),
            ]
        return self.command.valid

    def _unpack(self, m, begun):
        """Hand the words that come to the epilogue: some entries, or a word of the table."""
        step = begun.o.payload
        at_once = entries_a_cycle(self._config.engine)
        words = [self.row.data.word_select(n, 64) for n in range(self._config.engine.row_words)]
        place = Signal(range(max(self._config.engine.tile, TABLE_WORDS)))  # of an entry or a word
        after = Signal(range(max(self._config.engine.tile, TABLE_WORDS) + at_once))
        done = Signal()
        m.d.comb += [
            begun.o.ready.eq(done),
            self.entry.bank.eq(step.bank),
            self.entry.index.eq(place),
            self.table.bank.eq(step.bank),
            self.table.addr.eq(place),
            self.table.data.eq(words[0]),
        ]
        for number, entry in enumerate(self.entry.entries):
            pair = words[2 * number : 2 * number + 2]
            m.d.comb += [entry[name].eq(_field(pair, name)) for name in PARAMETER.names]
        # A row of two words has no room for the head's third one: it comes by itself.
        whole = Const(1) if len(words) >= HEAD_PARAMETER.words else place != 0
        last = [None, None, words[2 % len(words)]]

        with m.If(self.row.valid):
            m.d.sync += place.eq(Mux(done, 0, after))
            with m.Switch(step.load):
                with m.Case(Load.TABLE):
                    m.d.comb += [
                        self.table.valid.eq(1),
                        after.eq(place + 1),
                        done.eq(place == TABLE_WORDS - 1),
                    ]
                    m.d.sync += self.table_filled.bit_select(step.bank, 1).eq(done)
                with m.Case(Load.HEAD):
                    m.d.comb += [
                        self.entry.valid.eq(place == 0),
                        after.eq(place + 1),
                        done.eq(whole),
                    ]
                    with m.If(whole):
                        m.d.sync += [
                            self.filled[step.bank].eq(1),
                            self.j[step.turn].eq(_field(last, "j")),
                            self.gain[step.turn].eq(_field(last, "gain")),
                        ]
                with m.Default():
                    m.d.comb += [
                        self.entry.valid.eq(1),
                        after.eq(place + at_once),
                        done.eq(after >= step.count),
                    ]
                    m.d.sync += self.filled[step.bank].eq(Mux(done, step.count, after))
