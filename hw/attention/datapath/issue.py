"""The issue stage: decides which input row meets which column group in each cycle."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import IssueStep
from hw.attention.types import Step, StepInput
from hw.config import ClusterConfig


class Issue(wiring.Component):
    """Walks a tile step group by group, in each group row by row.

    A row is issued when it is in the tile buffer; a group's first row when the group's weights
    are in the shadow registers, which take effect for it. After the last row the tile is released,
    unless the next step uses it too.

    In each cycle one of `active`, `no_step`, `blocked`, `no_row`, `no_weights` is high: the first
    one that holds.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of IssueStep)
    filled, enable, row, data, release : the tile buffer's, from its reader's side
    full, swap : the weight registers', from their reader's side
    o : Out(stream of StepInput)
    active : Out; a row is issued
    no_step : Out; there is no step
    blocked : Out; the row before is refused at `o`
    no_row : Out; the row is not in the tile buffer
    no_weights : Out; the group's weights are not in the shadow registers

    Timing
    ------
    One row a cycle, across groups, steps and tiles too. One cycle from a step and its row (at
    `filled`) to `o`. Combinational from `o.ready`, `filled` and `full` to `enable`, `swap`,
    `release`, `step.ready` and what is counted.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        engine = config.engine
        super().__init__(
            {
                "step": In(stream.Signature(IssueStep(config))),
                "filled": In(range(engine.tile + 1)),
                "enable": Out(1),
                "row": Out(range(engine.tile)),
                "data": In(8 * engine.lanes),
                "release": Out(1),
                "full": In(1),
                "swap": Out(1),
                "o": Out(stream.Signature(StepInput(engine))),
                "active": Out(1),
                "no_step": Out(1),
                "blocked": Out(1),
                "no_row": Out(1),
                "no_weights": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        engine = self._config.engine
        unit_bits = engine.units.bit_length() - 1
        step = self.step.payload

        # First stage: choose a row and read it.
        group = Signal(range(max(2, engine.groups)))
        last_group = Signal(range(max(2, engine.groups)))
        last_row = Signal()
        last = Signal()
        has_row = Signal()
        has_weights = Signal()
        can_move = Signal()
        go = self.active
        m.d.comb += [
            last_group.eq((step.columns - 1) >> unit_bits),
            last_row.eq(self.row + 1 == step.rows),
            last.eq(last_row & (group == last_group)),
            has_row.eq(self.row < self.filled),
            has_weights.eq((self.row != 0) | self.full),
            go.eq(self.step.valid & can_move & has_row & has_weights),
            self.no_step.eq(~self.step.valid),
            self.blocked.eq(self.step.valid & ~can_move),
            self.no_row.eq(self.step.valid & can_move & ~has_row),
            self.no_weights.eq(self.step.valid & can_move & has_row & ~has_weights),
            self.enable.eq(go),
            self.swap.eq(go & (self.row == 0)),
            self.step.ready.eq(go & last),
            self.release.eq(go & last & ~step.keep),
        ]
        with m.If(go):
            m.d.sync += self.row.eq(self.row + 1)
            with m.If(last_row):
                m.d.sync += [self.row.eq(0), group.eq(group + 1)]
                with m.If(group == last_group):
                    m.d.sync += group.eq(0)

        # Second stage: the row is at the buffer's output.
        held = Signal(Step(engine))
        is_unsigned = Signal()
        m.d.comb += [
            can_move.eq(~self.o.valid | self.o.ready),
            self.o.payload.step.eq(held),
        ]
        for lane in range(engine.lanes):
            byte = self.data[8 * lane : 8 * (lane + 1)]
            m.d.comb += self.o.payload.x[lane].eq(Cat(byte, byte[7] & ~is_unsigned).as_signed())
        with m.If(can_move):
            m.d.sync += self.o.valid.eq(go)
        with m.If(go):
            m.d.sync += [
                held.row.eq(self.row),
                held.group.eq(group),
                held.first.eq(step.first),
                held.last.eq(step.last),
                is_unsigned.eq(step.unsigned),
            ]
        return m
