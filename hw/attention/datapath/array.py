"""The dot-product array: N units of M multipliers."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import StepInput, StepSums, Weights
from hw.common.numeric import adder_tree, store
from hw.config import EngineConfig

PRODUCTS = 8
"""Products that are summed up in front of a register."""


class DotUnit(wiring.Component):
    """Gives the dot product of `x` and `weights` in the cycle after `enable`, and holds it.

    Sums of 8 products are kept in registers; `sum` is combinational from there.
    """

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
        parts = []
        for start in range(0, self._lanes, PRODUCTS):
            lanes = range(start, start + PRODUCTS)
            total = adder_tree(self.x[lane] * self.weights[lane] for lane in lanes)
            part = Signal(total.shape(), name=f"part_{start}")
            with m.If(self.enable):
                m.d.sync += part.eq(total)
            parts.append(part)
        m.d.comb += store(self.sum, adder_tree(parts))
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
    One cycle from `i` to `o`, one step a cycle. `i.ready` is `o.ready | ~o.valid`, combinational;
    no other path leads through. The operands meet the multipliers without a register, and `o`'s
    sums come through the adder tree of M / 8 partial sums: whoever takes them registers them.
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
        m.d.comb += [
            self.i.ready.eq(self.o.ready | ~self.o.valid),
            taken.eq(self.i.valid & self.i.ready),
        ]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(taken):
            m.d.sync += self.o.payload.step.eq(self.i.payload.step)
        for n in range(self._config.units):
            m.submodules[f"unit_{n}"] = unit = DotUnit(config=self._config)
            m.d.comb += [
                unit.x.eq(self.i.payload.x),
                unit.weights.eq(self.weights[n]),
                unit.enable.eq(taken),
                self.o.payload.sums[n].eq(unit.sum),
            ]
        return m
