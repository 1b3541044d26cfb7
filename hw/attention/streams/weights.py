"""The weight registers, and the shadow copy that the next column group loads into."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import RowAnswer, RowCommand, WeightStep
from hw.attention.types import Weights
from hw.config import ClusterConfig


class WeightLoader(wiring.Component):
    """Fetches weight tiles, N rows (a column group) at a time.

    A group is fetched into the shadow registers as soon as these are free; `swap` hands it to the
    array. Rows beyond a tile's columns, and bytes beyond its inner size, are not fetched: what the
    registers hold there is arbitrary and meets inputs that are 0 or outputs that are not written.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of WeightStep)
    command : Out(stream of RowCommand)
    row : In(RowAnswer)
    full : Out; the shadow holds a group
    swap : In, only with `full`: the shadow's group takes effect in the next cycle
    weights : Out(Weights)

    Timing
    ------
    A row is asked for in each cycle; the next group's first one in the cycle after `swap`.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "step": In(stream.Signature(WeightStep(config))),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "full": Out(1),
                "swap": In(1),
                "weights": Out(Weights(config.engine)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        units = self._config.engine.units
        bits = 8 * self._config.engine.lanes
        shadow = [Signal(bits, name=f"shadow_{n}") for n in range(units)]
        active = [Signal(bits, name=f"active_{n}") for n in range(units)]
        m.d.comb += self.weights.as_value().eq(Cat(active))

        left = Signal.like(self.step.payload.columns)  # columns not yet asked for
        count = Signal(range(units + 1))  # rows of the group being fetched; 0: none is
        asked = Signal.like(count)
        answered = Signal.like(count)
        command = self.command.payload
        stride = Signal.like(self.step.payload.stride)
        with m.If(self.full | (count == 0)):
            # Between two groups.
            with m.If(~self.full | self.swap):
                with m.If(left == 0):
                    m.d.comb += self.step.ready.eq(1)
                    with m.If(self.step.valid):
                        step = self.step.payload
                        m.d.sync += [
                            command.word.eq(step.word),
                            command.count.eq(step.words),
                            stride.eq(step.stride),
                        ]
                        self._begin(m, step.columns, left, count)
                with m.Else():
                    self._begin(m, left, left, count)
                m.d.sync += [asked.eq(0), answered.eq(0), self.full.eq(0)]
        with m.Else():
            m.d.comb += self.command.valid.eq(asked != count)
            with m.If(self.command.valid & self.command.ready):
                m.d.sync += [command.word.eq(command.word + stride), asked.eq(asked + 1)]
            with m.If(self.row.valid):
                m.d.sync += answered.eq(answered + 1)
                with m.If(answered + 1 == count):
                    m.d.sync += [self.full.eq(1), count.eq(0)]
        for n in range(units):
            with m.If(self.row.valid & (answered == n)):
                m.d.sync += shadow[n].eq(self.row.data)
        with m.If(self.swap):
            m.d.sync += [active[n].eq(shadow[n]) for n in range(units)]
        return m

    def _begin(self, m, columns, left, count):
        """Begin the next group of a tile that has `columns` left."""
        units = self._config.engine.units
        with m.If(columns > units):
            m.d.sync += [count.eq(units), left.eq(columns - units)]
        with m.Else():
            m.d.sync += [count.eq(columns), left.eq(0)]
