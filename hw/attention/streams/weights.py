"""The weight registers, and the shadow copy that the next column group loads into."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.steps import POSITION_BITS, RowAnswer, RowCommand, WeightStep
from hw.attention.streams.answers import AnswerBuffer
from hw.attention.streams.gate import RowGate
from hw.attention.types import Weights
from hw.config import ClusterConfig

MIN_DEPTH = 8
"""Fewest rows that are asked for ahead of the shadow registers."""


class WeightLoader(wiring.Component):
    """Fetches weight tiles, N rows (a column group) at a time.

    A group goes into the shadow registers as soon as these are free; `swap` hands it to the array.
    Rows of the groups behind it are asked for meanwhile, and wait in a buffer. Rows beyond a
    tile's columns, and bytes beyond its inner size, are not fetched: what the registers hold there
    is arbitrary and meets inputs that are 0 or outputs that are not written.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of WeightStep)
    performed : In(24), for the steps' gates
    command : Out(stream of RowCommand)
    row : In(RowAnswer)
    full : Out; the shadow holds a group
    swap : In, only with `full`: the shadow's group takes effect in the next cycle
    weights : Out(Weights)
    waiting : Out; the next row is held back by its gate

    Timing
    ------
    A row is asked for in each cycle while the buffer has room, across groups and steps; the first
    one in the cycle after its step is taken. A row a cycle goes into the shadow, from the cycle of
    `swap` on: groups of N rows can follow each other every N cycles. `full` rises one cycle after
    the last row of a group. Combinational from `performed` and `step` to `command`, from
    `command.ready` to `step.ready`.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "step": In(stream.Signature(WeightStep(config))),
                "performed": In(POSITION_BITS),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "full": Out(1),
                "swap": In(1),
                "weights": Out(Weights(config.engine)),
                "waiting": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        units = self._config.engine.units
        m.submodules.rows = rows = AnswerBuffer(
            config=self._config, tag=unsigned(1), depth=max(units, MIN_DEPTH)
        )
        m.submodules.gate = gate = RowGate()
        connect(m, rows.command, flipped(self.command))
        connect(m, flipped(self.row), rows.row)

        # Asking. The tag says: last row of a group.
        step = self.step.payload
        left = Signal.like(step.columns)
        number = Signal(range(units))
        stride = Signal.like(step.stride)
        command = Signal(RowCommand(self._config))
        asked = Signal()
        begin = Signal()
        m.d.comb += [
            gate.gate.eq(step.gate),
            gate.begin.eq(begin),
            gate.performed.eq(self.performed),
            self.waiting.eq((left != 0) & ~gate.opened),
            rows.i.valid.eq((left != 0) & gate.opened),
            rows.i.payload.command.eq(command),
            rows.i.payload.tag.eq((number == units - 1) | (left == 1)),
            asked.eq(rows.i.valid & rows.i.ready),
            self.step.ready.eq((left == 0) | ((left == 1) & asked)),
            begin.eq(self.step.valid & self.step.ready),
        ]
        with m.If(asked):
            m.d.sync += [
                command.word.eq(command.word + stride),
                left.eq(left - 1),
                number.eq(number + 1),
            ]
        with m.If(begin):
            m.d.sync += [
                command.word.eq(step.word),
                command.count.eq(step.words),
                stride.eq(step.stride),
                left.eq(step.columns),
                number.eq(0),
            ]

        # Loading.
        bits = 8 * self._config.engine.lanes
        shadow = [Signal(bits, name=f"shadow_{n}") for n in range(units)]
        active = [Signal(bits, name=f"active_{n}") for n in range(units)]
        place = Signal(range(units))
        m.d.comb += [
            self.weights.as_value().eq(Cat(active)),
            rows.o.ready.eq(~self.full | self.swap),
        ]
        with m.If(self.swap):
            m.d.sync += [self.full.eq(0), *(a.eq(s) for a, s in zip(active, shadow, strict=True))]
        with m.If(rows.o.valid & rows.o.ready):
            with m.Switch(place):
                for n in range(units):
                    with m.Case(n):
                        m.d.sync += shadow[n].eq(rows.o.payload.data)
            m.d.sync += place.eq(place + 1)
            with m.If(rows.o.payload.tag):
                m.d.sync += [place.eq(0), self.full.eq(1)]
        return m
