"""The dot-product array: N units of M multipliers."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import Step, StepInput, StepSums, Weights
from hw.common.numeric import adder_tree, store
from hw.config import EngineConfig


class DotUnit(wiring.Component):
    """Gives the dot product of `x` and `weights` in the cycle after `enable`, and holds it."""

    def __init__(self, *, config: EngineConfig):
        self._lanes = config.lanes
        super().__init__(
            {
                "x": In(data.ArrayLayout(signed(9), config.lanes)),
                "weights": In(data.ArrayLayout(signed(8), config.lanes)),
                "enable": In(1),
                "sum": Out(signed(32)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        total = adder_tree(self.x[lane] * self.weights[lane] for lane in range(self._lanes))
        held = Signal(total.shape())
        with m.If(self.enable):
            m.d.sync += held.eq(total)
        m.d.comb += store(self.sum, held)
        return m


class DotArray(wiring.Component):
    """Multiplies an input row with the weight rows of one column group.

    Unit n gives the dot product of the M inputs (9-bit signed: int8 and uint8 alike) and weight
    row n (int8), exact in 32 bits.

    Parameters
    ----------
    config : EngineConfig
        `units` and `lanes` matter.

    Members
    -------
    i : In(stream of StepInput)
    weights : In(Weights), used in the cycle in which a step is taken
    o : Out(stream of StepSums)

    Timing
    ------
    One cycle from `i` to `o`, one step a cycle. `i.ready` depends combinationally on `o.ready`.
    The only registers are those of `o`; they change when a step is taken.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(StepInput(config))),
                "weights": In(Weights(config)),
                "o": Out(stream.Signature(StepSums(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        taken = Signal()
        step = Signal(Step(self._config))
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            taken.eq(self.i.valid & self.i.ready),
            self.o.payload.step.eq(step),
        ]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(taken):
            m.d.sync += step.eq(self.i.payload.step)
        for n in range(self._config.units):
            m.submodules[f"unit_{n}"] = unit = DotUnit(config=self._config)
            m.d.comb += [
                unit.x.eq(self.i.payload.x),
                unit.weights.eq(self.weights[n]),
                unit.enable.eq(taken),
                self.o.payload.sums[n].eq(unit.sum),
            ]
        return m
