"""The dot-product array: N units of M multipliers."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import Step, StepInput, StepSums, Weights
from hw.common.numeric import adder_tree, store
from hw.config import EngineConfig

PRODUCTS = 8
"""Products that are summed up before the first register."""


class DotUnit(wiring.Component):
    """The dot product of `x` and `weights`, two cycles after they are there.

    `multiply` takes the operands, and in a later cycle `add` finishes with what the last
    `multiply` took; `sum` shows it from the next cycle on. Both may come in one cycle.
    """

    def __init__(self, *, config: EngineConfig):
        self._lanes = config.lanes
        super().__init__(
            {
                "x": In(data.ArrayLayout(signed(9), config.lanes)),
                "weights": In(data.ArrayLayout(signed(8), config.lanes)),
                "multiply": In(1),
                "add": In(1),
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
            with m.If(self.multiply):
                m.d.sync += part.eq(total)
            parts.append(part)
        total = adder_tree(parts)
        held = Signal(total.shape())
        with m.If(self.add):
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
    Two cycles from `i` to `o`, one step a cycle. Both stages stand still while `o` is refused:
    `i.ready` is `o.ready | ~o.valid`, combinational. No other path leads through; the operands
    meet the multipliers without a register, and `o` comes from registers.
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
        advance = Signal()
        multiply = Signal()
        add = Signal()
        multiplied = Signal()
        step = Signal(Step(self._config))
        m.d.comb += [
            advance.eq(self.o.ready | ~self.o.valid),
            self.i.ready.eq(advance),
            multiply.eq(advance & self.i.valid),
            add.eq(advance & multiplied),
        ]
        with m.If(advance):
            m.d.sync += [multiplied.eq(self.i.valid), self.o.valid.eq(multiplied)]
        with m.If(multiply):
            m.d.sync += step.eq(self.i.payload.step)
        with m.If(add):
            m.d.sync += self.o.payload.step.eq(step)
        for n in range(self._config.units):
            m.submodules[f"unit_{n}"] = unit = DotUnit(config=self._config)
            m.d.comb += [
                unit.x.eq(self.i.payload.x),
                unit.weights.eq(self.weights[n]),
                unit.multiply.eq(multiply),
                unit.add.eq(add),
                self.o.payload.sums[n].eq(unit.sum),
            ]
        return m
