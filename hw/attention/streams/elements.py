"""The element loader: fetches matrices N elements at a time, for the epilogue and LayerNorm."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.steps import (
    POSITION_BITS,
    ElementStep,
    RowAnswer,
    RowCommand,
    word_bits,
)
from hw.attention.streams.answers import AnswerBuffer
from hw.attention.streams.gate import RowGate
from hw.attention.types import ElementRow, group_range
from hw.config import WORD_BYTES, ClusterConfig, EngineConfig
from hw.regmap import ElementType

DEPTH = 16
"""Rows of words that are asked for or wait."""

SIZE_BYTES = {
    ElementType.INT8: 1,
    ElementType.UINT8: 1,
    ElementType.INT16: 2,
    ElementType.INT32: 4,
}


def _of_type(m, kind, function, shape, name):
    """Return a signal that holds `function(bytes of an element)` for the type `kind`."""
    result = Signal(shape, name=name)
    with m.Switch(kind):
        for element, size in SIZE_BYTES.items():
            with m.Case(element):
                m.d.comb += result.eq(function(size))
    return result


class _Beat(data.StructLayout):
    """What a row of words holds: some groups of N elements, or a part of a group.

    `part`: where the first group begins, in N bytes; `final`: number of the last group in it;
    `whole`: the group ends here; `first`, `last`: the matrix row's first and last group are in it;
    `tail`: elements of a row's last group, less 1.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {
                "row": range(config.tile),
                "type": ElementType,
                "part": group_range(config),
                "final": group_range(config),
                "whole": 1,
                "first": 1,
                "last": 1,
                "tail": range(config.units),
                "normalise": 1,
                "release": 1,
            }
        )


class ElementLoader(wiring.Component):
    """Fetches the elements of steps and hands them out N at a time, extended to 32 bits.

    Row by row, a command fetches as many groups of N elements as a row of words holds. Group by
    group, it fetches one group: a part of a word, or some words. A group that is longer than a
    row of words takes several commands either way. Words that hold no element of the matrix are
    not fetched.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of ElementStep); rows begin with a word, columns at a multiple of T elements
    performed : In(24), for the steps' gates
    command : Out(stream of RowCommand)
    row : In(RowAnswer)
    o : Out(stream of ElementRow)
    waiting : Out; the next elements are held back by their gate

    Timing
    ------
    The first command in the cycle after its step is taken, then one a cycle while the buffer has
    room, across steps too. N elements a cycle, or as many as a row of words holds; the first ones
    are at `o` one cycle after their answer. Combinational from `performed` to `command`, from
    `command.ready` to `step.ready`; `o` comes from registers.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "step": In(stream.Signature(ElementStep(config))),
                "performed": In(POSITION_BITS),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "o": Out(stream.Signature(ElementRow(config.engine))),
                "waiting": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.beats = beats = AnswerBuffer(
            config=self._config, tag=_Beat(self._config.engine), depth=DEPTH
        )
        connect(m, beats.command, flipped(self.command))
        connect(m, flipped(self.row), beats.row)
        self._ask(m, beats.i)
        self._unpack(m, beats.o)
        return m

    def _ask(self, m, beats):
        """Walk through the steps, one row of words after the other."""
        engine = self._config.engine
        units, lanes = engine.units, engine.lanes
        unit_bits = units.bit_length() - 1
        m.submodules.gate = gate = RowGate()
        # Addresses count N bytes, or words when these are shorter.
        sub_bits = max(0, 3 - unit_bits)
        start = self.step.payload
        step = Signal.like(start)
        tag = beats.payload.tag

        place = Signal(word_bits(self._config) + sub_bits)
        row_place = Signal.like(place)  # where the group begins in this row (by_row: the row)
        group_place = Signal.like(place)  # where it begins in row 0
        left = Signal.like(step.columns)  # elements from `place` to the end of the row
        group_left = Signal.like(step.columns)  # those from where the group begins
        row = Signal.like(tag.row)
        first = Signal()
        chunk = Signal(range(max(2, 4 * units // lanes)))  # row of words of a long group
        working = Signal()

        # The row of words to ask for.
        def held(size):
            return Mux(step.by_row, lanes // size, min(units, lanes // size))

        def chunks(size):
            return max(1, size * units // lanes)

        most = _of_type(m, step.type, held, range(lanes + 1), "most")
        inside = Signal.like(most)
        size_bytes = _of_type(m, step.type, lambda size: inside * size, range(lanes + 1), "bytes")
        last_chunk = _of_type(m, step.type, lambda size: chunks(size) - 1, chunk.shape(), "last")
        asked = Signal()
        begin = Signal()
        last_row = Signal()
        run_ends = Signal()
        step_ends = Signal()
        m.d.comb += [
            gate.gate.eq(start.gate),
            gate.begin.eq(begin),
            gate.performed.eq(self.performed),
            self.waiting.eq(working & ~gate.opened),
            beats.valid.eq(working & gate.opened),
            asked.eq(beats.valid & beats.ready),
            inside.eq(Mux(tag.last, left, most)),
            beats.payload.command.word.eq(place >> sub_bits),
            beats.payload.command.count.eq((size_bytes + WORD_BYTES - 1) >> 3),
            tag.row.eq(row),
            tag.type.eq(step.type),
            tag.part.eq(place[:sub_bits]),
            tag.final.eq((inside - 1) >> unit_bits),
            tag.whole.eq(tag.last | (chunk == last_chunk)),
            tag.first.eq(first),
            tag.last.eq(left <= most),
            tag.tail.eq(step.columns - 1),
            tag.normalise.eq(step.normalise),
            tag.release.eq(step.release & step_ends),
            last_row.eq(row + 1 == step.rows),
            run_ends.eq(Mux(step.by_row, tag.last, tag.whole)),
            step_ends.eq(last_row & tag.last & run_ends),
            self.step.ready.eq(~working | (asked & step_ends)),
            begin.eq(self.step.valid & self.step.ready),
        ]

        # The next one.
        group_size = _of_type(
            m,
            step.type,
            lambda size: units * size >> (3 - sub_bits),
            range(units // 2 + 1 << sub_bits),
            "group_size",
        )
        with m.If(asked):
            m.d.sync += chunk.eq(Mux(tag.whole, 0, chunk + 1))
            with m.If(~run_ends):
                m.d.sync += [
                    place.eq(place + (engine.row_words << sub_bits)),
                    left.eq(left - most),
                    first.eq(first & ~tag.whole),
                ]
            with m.Elif(~last_row):
                next_place = row_place + (step.stride << sub_bits)
                m.d.comb += gate.advance.eq(1)
                m.d.sync += [
                    place.eq(next_place),
                    row_place.eq(next_place),
                    left.eq(group_left),
                    first.eq(1),
                    row.eq(row + 1),
                ]
            with m.Elif(~tag.last):
                # The next group of the same rows: what they wait for is performed.
                m.d.comb += gate.lift.eq(1)
                next_place = group_place + group_size
                m.d.sync += [
                    place.eq(next_place),
                    row_place.eq(next_place),
                    group_place.eq(next_place),
                    left.eq(group_left - units),
                    group_left.eq(group_left - units),
                    row.eq(0),
                ]
            with m.Else():
                m.d.sync += working.eq(0)
        with m.If(begin):
            m.d.sync += [
                step.eq(start),
                working.eq(1),
                place.eq(start.word << sub_bits),
                row_place.eq(start.word << sub_bits),
                group_place.eq(start.word << sub_bits),
                left.eq(start.columns),
                group_left.eq(start.columns),
                row.eq(0),
                first.eq(1),
            ]

    def _unpack(self, m, beats):
        """Hand out the groups of each row of words."""
        engine = self._config.engine
        units, lanes = engine.units, engine.lanes
        tag = beats.payload.tag
        o = self.o.payload
        number = Signal.like(tag.final)
        chunk = Signal(range(max(2, 4 * units // lanes)))
        free = Signal()
        is_last = Signal()
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            is_last.eq(number == tag.final),
            beats.ready.eq(free & is_last),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(beats.valid & tag.whole)
        with m.If(free & beats.valid):
            m.d.sync += [
                number.eq(Mux(is_last, 0, number + 1)),
                chunk.eq(Mux(tag.whole, 0, chunk + 1)),
                o.row.eq(tag.row),
                o.count.eq(Mux(tag.last & is_last, tag.tail + 1, units)),
                o.first.eq(tag.first & (number == 0)),
                o.last.eq(tag.last & is_last),
                o.normalise.eq(tag.normalise),
                o.release.eq(tag.release & is_last),
            ]
            groups = self._groups(m, beats.payload.data, tag, number)
            for lane, value in enumerate(o.values):
                self._extend(m, value, lane, groups, tag.type, chunk)

    def _groups(self, m, row, tag, number):
        """Return for each size of an element the bytes of group `number`, or the row of words.

        The row is halved until a group is left.
        """
        units, lanes = self._config.engine.units, self._config.engine.lanes
        at = _of_type(m, tag.type, lambda size: number * size | tag.part, tag.part.shape(), "at")
        groups = {size: row for size in (1, 2, 4)}
        half = lanes // 2
        while half >= units:
            bit = at[half.bit_length() - units.bit_length()]
            chosen = Signal(8 * half, name=f"chosen_{half}")
            m.d.comb += chosen.eq(Mux(bit, row[8 * half :], row[: 8 * half]))
            row = chosen
            groups |= {size: row for size in (1, 2, 4) if size * units <= half}
            half //= 2
        return groups

    def _extend(self, m, value, lane, groups, kind, chunk):
        """Set lane `lane` of the output from its group, or from a part of a long group."""
        with m.Switch(kind):
            for element, size in SIZE_BYTES.items():
                group = groups[size]
                part, byte = divmod(lane * size, len(group) // 8)
                bits = group[8 * byte : 8 * (byte + size)]
                is_signed = element != ElementType.UINT8
                with m.Case(element):
                    # Later parts overwrite what the first ones leave behind them.
                    with m.If(chunk <= part):
                        m.d.sync += value.eq(bits.as_signed() if is_signed else bits)
