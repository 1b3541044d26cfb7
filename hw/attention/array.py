"""The dot-product array: N units of M multipliers."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import StepInput, StepSums, Weights
from hw.common.numeric import adder_tree, store
from hw.config import EngineConfig


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
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += self.o.payload.step.eq(self.i.payload.step)
            for unit in range(self._config.units):
                products = [
                    self.i.payload.x[lane] * self.weights[unit][lane]
                    for lane in range(self._config.lanes)
                ]
                m.d.sync += store(self.o.payload.sums[unit], adder_tree(products))
        return m
