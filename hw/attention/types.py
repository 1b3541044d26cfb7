"""The structs that join the engine's parts."""

from amaranth.hdl import *
from amaranth.lib import data

from hw.config import EngineConfig

MAX_MASS_BITS = 24
"""Width of a softmax row's mass D: 255 * 65535 fits."""


class Entry(data.Struct):
    """A parameter entry on its way to the requantisers.

    `shift` has one bit more than in memory: normalisation after A.V shifts by up to 35.
    """

    add: signed(48)
    shift: 6
    rsh: 6
    mul: signed(17)
    rmul: signed(17)


class TileRow(data.StructLayout):
    """One row of an input tile: its number in the tile and `lanes` bytes (lane 0 lowest)."""

    def __init__(self, config: EngineConfig):
        super().__init__({"row": range(config.tile), "data": data.ArrayLayout(8, config.lanes)})


def _groups(config):
    """Return the range of a column group's number: one bit at least."""
    return range(max(config.groups, 2))


class Step(data.StructLayout):
    """One issue: input row against one column group.

    `first` starts accumulation from zero, `last` sends the accumulated sums to the epilogue.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {"row": range(config.tile), "group": _groups(config), "first": 1, "last": 1}
        )


class StepInput(data.StructLayout):
    """What the array multiplies: a step and its input row, 9-bit signed (int8 or uint8)."""

    def __init__(self, config: EngineConfig):
        super().__init__({"step": Step(config), "x": data.ArrayLayout(signed(9), config.lanes)})


class Weights(data.ArrayLayout):
    """The weight registers: `units` rows of `lanes` int8."""

    def __init__(self, config: EngineConfig):
        super().__init__(data.ArrayLayout(signed(8), config.lanes), config.units)


class StepSums(data.StructLayout):
    """The array's output: `units` 32-bit partial sums of a step."""

    def __init__(self, config: EngineConfig):
        super().__init__({"step": Step(config), "sums": data.ArrayLayout(signed(32), config.units)})


class OutputRow(data.StructLayout):
    """`units` neighbouring outputs: of accumulators before, of results after the epilogue.

    After the epilogue each value is clipped to its type and extended to 32 bits.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {
                "row": range(config.tile),
                "group": _groups(config),
                "values": data.ArrayLayout(signed(32), config.units),
            }
        )
