"""The input loader: fetches input tiles, row by row, on their way to the tile buffer."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.queue import Queue
from hw.attention.steps import (
    InputStep,
    Mask,
    RowAnswer,
    RowCommand,
    first_lanes,
    keys_in_sight,
)
from hw.attention.types import TileRow
from hw.config import ClusterConfig

BUFFERS = 2


class InputLoader(wiring.Component):
    """Fetches the input tiles of steps and says which of each row's lanes count.

    A tile is begun when one of the two tile buffers is free; its rows are asked for one a cycle.
    Lanes beyond the tile's inner size do not count, nor, in rows of logits, keys that the mask
    hides.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of InputStep)
    command : Out(stream of RowCommand)
    row : In(RowAnswer)
    mask : In(Mask), does not change while rows are under way
    o : Out(stream of TileRow), never refused
    keep : Out(M bits), with `o`: the lanes that count
    softmax, accumulate : Out, with `o`: the step's
    summed : Out, with `o`: this is the last row of a tile after which the sums are whole
    release : In, one cycle: a tile buffer became free

    Timing
    ------
    A row is asked for in each cycle; an answer is at `o` in the cycle in which it comes.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "step": In(stream.Signature(InputStep(config))),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "mask": In(Mask),
                "o": Out(stream.Signature(TileRow(config.engine))),
                "keep": Out(config.engine.lanes),
                "softmax": Out(1),
                "accumulate": Out(1),
                "summed": Out(1),
                "release": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self._config.engine.lanes
        m.submodules.tiles = tiles = Queue(InputStep(self._config), depth=BUFFERS)

        # Asking.
        free = Signal(range(BUFFERS + 1), init=BUFFERS)
        begin = Signal()
        step = self.step.payload
        command = self.command.payload
        stride = Signal.like(step.stride)
        left = Signal.like(step.rows)
        m.d.comb += [
            begin.eq(self.step.valid & (left == 0) & (free != 0) & tiles.i.ready),
            self.step.ready.eq(begin),
            tiles.i.valid.eq(begin),
            tiles.i.payload.eq(step),
            self.command.valid.eq(left != 0),
        ]
        with m.If(begin):
            m.d.sync += [
                command.word.eq(step.word),
                command.count.eq((step.lanes + 7) >> 3),
                stride.eq(step.stride),
                left.eq(step.rows),
            ]
        with m.Elif(self.command.valid & self.command.ready):
            m.d.sync += [command.word.eq(command.word + stride), left.eq(left - 1)]
        with m.If(begin & ~self.release):
            m.d.sync += free.eq(free - 1)
        with m.Elif(self.release & ~begin):
            m.d.sync += free.eq(free + 1)

        # Answers.
        tile = tiles.o.payload
        row = Signal.like(self.o.payload.row)
        last = Signal()
        counting = Signal.like(tile.lanes)
        seen = keys_in_sight(m, self.mask, tile.row + row, tile.key, tile.lanes)
        m.d.comb += [
            last.eq(row + 1 == tile.rows),
            self.o.valid.eq(self.row.valid),
            self.o.payload.row.eq(row),
            self.o.payload.data.eq(self.row.data),
            counting.eq(Mux(tile.softmax, seen, tile.lanes)),
            self.keep.eq(first_lanes(counting, lanes)),
            self.softmax.eq(tile.softmax),
            self.accumulate.eq(tile.accumulate),
            self.summed.eq(self.row.valid & last & tile.sums_up),
            tiles.o.ready.eq(self.row.valid & last),
        ]
        with m.If(self.row.valid):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
        return m
