"""The input loader: fetches input tiles, row by row, on their way to the tile buffer."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.queue import Queue
from hw.attention.steps import (
    POSITION_BITS,
    SIZE_BITS,
    TURN_BITS,
    InputStep,
    RowAnswer,
    RowCommand,
    first_lanes,
)
from hw.attention.streams.gate import RowGate
from hw.attention.types import TileRow
from hw.config import ClusterConfig, EngineConfig

BUFFERS = 2


class _Tile(data.StructLayout):
    """What is to be known of a tile's rows when they come.

    Row r has `sight` + r lanes that count, at least 0 and at most `most`.
    """

    def __init__(self, config: EngineConfig):
        tile = config.tile
        super().__init__(
            {
                "rows": range(tile + 1),
                "sight": range(-tile, tile + 1),
                "most": range(tile + 1),
                "softmax": 1,
                "accumulate": 1,
                "first_sum": 1,
                "sums_up": 1,
                "turn": TURN_BITS,
            }
        )


def _clip(m, value, low, high):
    """Return a signal: `value` clipped to the range from `low` to `high`, both of them numbers."""
    clipped = Signal(range(low, high + 1))
    m.d.comb += clipped.eq(Mux(value < low, low, Mux(value > high, high, value)))
    return clipped


class InputLoader(wiring.Component):
    """Fetches the input tiles of steps and says which of each row's lanes count.

    A tile is begun when one of the two tile buffers is free; its rows are asked for one a cycle,
    as far as its gate lets them. Lanes beyond the tile's inner size do not count, nor, in rows of
    logits, keys that the mask hides. A tile that sums masses up is begun only when there is a
    place for their reciprocals.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of InputStep)
    performed : In(24), for the steps' gates
    command : Out(stream of RowCommand)
    row : In(RowAnswer)
    o : Out(stream of TileRow), never refused
    keep : Out(M bits), with `o`: the lanes that count
    softmax, accumulate, first_sum, sums_up, turn : Out, with `o`: the step's
    release : In, one cycle: a tile buffer became free
    masses_open : In; a tile with `sums_up` may begin
    masses_take : Out, one cycle: such a tile begins
    waiting : Out; the next row is held back by its gate

    Timing
    ------
    A row is asked for in each cycle, across tiles too; the first one in the cycle after its step
    is taken. An answer is at `o` in the cycle in which it comes. Combinational from `performed` to
    `command`, from `command.ready` and `masses_open` to `step.ready` and `masses_take`.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "step": In(stream.Signature(InputStep(config))),
                "performed": In(POSITION_BITS),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "o": Out(stream.Signature(TileRow(config.engine))),
                "keep": Out(config.engine.lanes),
                "softmax": Out(1),
                "accumulate": Out(1),
                "first_sum": Out(1),
                "sums_up": Out(1),
                "turn": Out(TURN_BITS),
                "release": In(1),
                "masses_open": In(1),
                "masses_take": Out(1),
                "waiting": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Never full: each tile in it has a buffer.
        m.submodules.tiles = tiles = Queue(_Tile(self._config.engine), depth=BUFFERS)
        begin = self._ask(m)
        m.d.comb += tiles.i.valid.eq(begin)
        self._describe(m, tiles.i.payload)
        self._answer(m, tiles.o)
        return m

    def _ask(self, m):
        """Ask for the rows of tile after tile; return the signal that begins one."""
        m.submodules.gate = gate = RowGate()
        step = self.step.payload
        command = self.command.payload
        stride = Signal.like(step.stride)
        left = Signal.like(step.rows)
        free = Signal(range(BUFFERS + 1), init=BUFFERS)
        asked = Signal()
        begin = Signal()
        m.d.comb += [
            gate.gate.eq(step.gate),
            gate.begin.eq(begin),
            gate.advance.eq(asked),
            gate.performed.eq(self.performed),
            self.waiting.eq((left != 0) & ~gate.opened),
            self.command.valid.eq((left != 0) & gate.opened),
            asked.eq(self.command.valid & self.command.ready),
            self.step.ready.eq(
                ((left == 0) | ((left == 1) & asked))
                & (free != 0)
                & (~step.sums_up | self.masses_open)
            ),
            begin.eq(self.step.valid & self.step.ready),
            self.masses_take.eq(begin & step.sums_up),
        ]
        with m.If(asked):
            m.d.sync += [command.word.eq(command.word + stride), left.eq(left - 1)]
        with m.If(begin):
            m.d.sync += [
                command.word.eq(step.word),
                command.count.eq((step.lanes + 7) >> 3),
                stride.eq(step.stride),
                left.eq(step.rows),
            ]
        with m.If(begin & ~self.release):
            m.d.sync += free.eq(free - 1)
        with m.Elif(self.release & ~begin):
            m.d.sync += free.eq(free + 1)
        return begin

    def _describe(self, m, tile):
        """Derive from a step what its rows need: the mask as an offset from row to lanes."""
        step = self.step.payload
        size = self._config.engine.tile
        sight = Signal(signed(SIZE_BITS + 2))  # keys of this tile that row 0 sees, of endless ones
        left = Signal(signed(SIZE_BITS + 1))  # keys of this tile that there are
        m.d.comb += [
            sight.eq(step.row + step.mask.offset + 1 - step.key),
            left.eq(step.mask.kv_length - step.key),
            tile.rows.eq(step.rows),
            tile.softmax.eq(step.softmax),
            tile.accumulate.eq(step.accumulate),
            tile.first_sum.eq(step.first_sum),
            tile.sums_up.eq(step.sums_up),
            tile.turn.eq(step.turn),
            tile.sight.eq(size),
            tile.most.eq(step.lanes),
        ]
        keys = _clip(m, left, 0, size)
        with m.If(step.softmax):
            with m.If(keys < step.lanes):
                m.d.comb += tile.most.eq(keys)
            with m.If(step.mask.causal):
                m.d.comb += tile.sight.eq(_clip(m, sight, -size, size))

    def _answer(self, m, tiles):
        """Number the rows that come and say which of their lanes count."""
        tile = tiles.payload
        row = Signal.like(self.o.payload.row)
        sight = Signal(range(-self._config.engine.tile, 2 * self._config.engine.tile))
        count = Signal.like(tile.most)
        last = Signal()
        m.d.comb += [
            last.eq(row + 1 == tile.rows),
            sight.eq(tile.sight + row),
            count.eq(Mux(sight < 0, 0, Mux(sight < tile.most, sight, tile.most))),
            self.o.valid.eq(self.row.valid),
            self.o.payload.row.eq(row),
            self.o.payload.data.eq(self.row.data),
            self.keep.eq(first_lanes(count, self._config.engine.lanes)),
            self.softmax.eq(tile.softmax),
            self.accumulate.eq(tile.accumulate),
            self.first_sum.eq(tile.first_sum),
            self.sums_up.eq(tile.sums_up),
            self.turn.eq(tile.turn),
            tiles.ready.eq(self.row.valid & last),
        ]
        with m.If(self.row.valid):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
