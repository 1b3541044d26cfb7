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
    are in the shadow registers, which take effect for it; the first row of a tile's `last` step
    when a token says that the epilogue holds the tile's parameters.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    step : In(stream of IssueStep)
    token : In; with `token_take`: one tile's parameters are there
    token_take : Out
    filled, enable, row, data, release : the tile buffer's, from its reader's side
    full, swap : the weight registers', from their reader's side
    o : Out(stream of StepInput)
    idle : Out; nothing is under way or at `o`

    Timing
    ------
    One row a cycle, across groups and steps too. Two cycles from a step at `step` to `o`.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        engine = config.engine
        super().__init__(
            {
                "step": In(stream.Signature(IssueStep(config))),
                "token": In(1),
                "token_take": Out(1),
                "filled": In(range(engine.tile + 1)),
                "enable": Out(1),
                "row": Out(range(engine.tile)),
                "data": In(8 * engine.lanes),
                "release": Out(1),
                "full": In(1),
                "swap": Out(1),
                "o": Out(stream.Signature(StepInput(engine))),
                "idle": Out(1),
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
        go = Signal()
        can_move = Signal()
        needs_token = step.last & (self.row == 0) & (group == 0)
        m.d.comb += [
            last_group.eq((step.columns - 1) >> unit_bits),
            last_row.eq(self.row + 1 == step.rows),
            go.eq(
                self.step.valid
                & can_move
                & (self.row < self.filled)
                & ((self.row != 0) | self.full)
                & (~needs_token | self.token)
            ),
            self.enable.eq(go),
            self.swap.eq(go & (self.row == 0)),
            self.token_take.eq(go & needs_token),
            self.release.eq(go & last_row & (group == last_group)),
            self.step.ready.eq(self.release),
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
            self.idle.eq(~self.step.valid & ~self.o.valid),
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
