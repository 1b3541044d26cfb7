"""The structs that join the parts of the datapath."""

from amaranth.hdl import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import Out

from hw.config import EngineConfig
from hw.regmap import ElementType, ParamMode

MAX_MASS_BITS = 24
"""Width of a softmax row's mass D: 255 * 65535 fits."""

TABLE_WORDS = 32
"""64-bit words of an activation table."""

BANKS = 2
"""Parameter buffers, activation tables, row maxima, row statistics: one works, one is filled."""


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


def group_range(config: EngineConfig):
    """Return the range of a column group's number: one bit at least."""
    return range(max(config.groups, 2))


class Step(data.StructLayout):
    """One issue: input row against one column group.

    `first` starts accumulation from zero, `last` sends the accumulated sums to the epilogue.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {"row": range(config.tile), "group": group_range(config), "first": 1, "last": 1}
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
                "group": group_range(config),
                "values": data.ArrayLayout(signed(32), config.units),
            }
        )


class ElementRow(data.StructLayout):
    """`units` neighbouring elements of a matrix in memory, extended to 32 bits.

    `row`: in the step's block; `count`: how many of them are inside the matrix (1 to N, the
    lowest lanes; the others are arbitrary); `first`, `last`: of the row of this step (row-major
    steps only); `normalise`, `release`: see ElementStep, `release` only with the step's last
    elements.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {
                "row": range(config.tile),
                "count": range(config.units + 1),
                "first": 1,
                "last": 1,
                "normalise": 1,
                "release": 1,
                "values": data.ArrayLayout(signed(32), config.units),
            }
        )


class Join(enum.Enum, shape=2):
    """What happens to the elements of R: nothing, residual of the entry, or added to the sums."""

    NONE = 0
    RESIDUAL = 1
    ACCUMULATE = 2


class EpilogueStep(data.StructLayout):
    """A tile of outputs that passes the epilogue: where its parts come from, and what it becomes.

    `direct`: rows come from the direct path instead of the accumulators; its outputs go row by
    row, in each row group by group, else group by group. `raw`: results are the sums (after
    Join.ACCUMULATE) as they are, without entry. `bank`: of the entries; `release`: this tile is
    the last one that uses it. `table_bank` and `table_release` are the same for the table.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {
                "rows": range(config.tile + 1),
                "columns": range(config.tile + 1),
                "direct": 1,
                "raw": 1,
                "y_type": ElementType,
                "join": Join,
                "param_mode": ParamMode,
                "bank": 1,
                "release": 1,
                "use_table": 1,
                "table_bank": 1,
                "table_release": 1,
            }
        )


def entries_a_cycle(config: EngineConfig):
    """Parameter entries that are written at once: those of a row of words, at most N."""
    return max(1, min(config.row_words // 2, config.units))


class EntryWrite(wiring.Signature):
    """A write of `entries_a_cycle` neighbouring entries: `valid`, `bank`, `index`, `entries`.

    `index` is that of the first one in the tile, a multiple of `entries_a_cycle`, or any index
    with `single`: then only the first of `entries` is written.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {
                "valid": Out(1),
                "single": Out(1),
                "bank": Out(1),
                "index": Out(range(config.tile)),
                "entries": Out(data.ArrayLayout(Entry, entries_a_cycle(config))),
            }
        )


class TableWrite(wiring.Signature):
    """A write to an activation table: `valid`, `bank`, `addr` of the 8-byte word, `data`."""

    def __init__(self):
        super().__init__(
            {"valid": Out(1), "bank": Out(1), "addr": Out(range(TABLE_WORDS)), "data": Out(64)}
        )


class LogitRow(wiring.Signature):
    """N neighbouring logits on their way to the row maxima.

    `valid`; tile `row`; `values` (int8), and which of them count: `keep`; `bank` of the maxima;
    `first`: these are the row's first logits, what the bank holds is forgotten.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {
                "valid": Out(1),
                "row": Out(range(config.tile)),
                "bank": Out(1),
                "first": Out(1),
                "values": Out(data.ArrayLayout(signed(8), config.units)),
                "keep": Out(config.units),
            }
        )


class RowMass(data.StructLayout):
    """A row's number, its mass D and the gain of the output: 2^gain."""

    def __init__(self, config: EngineConfig):
        super().__init__({"row": range(config.tile), "mass": MAX_MASS_BITS, "gain": 1})


class RowEntry(data.StructLayout):
    """A row's number and the entry that normalises its outputs."""

    def __init__(self, config: EngineConfig):
        super().__init__({"row": range(config.tile), "entry": Entry})


CHANNEL_BITS = 13
"""Width of C, the channels of LayerNorm: 4096 fits."""


class RowStatistics(data.Struct):
    """What normalises a row of LayerNorm: xhat = clip16((u * r + half) >> shift), u = C*s - S1.

    `shift` is P - 1 + e - FX, at least 6; half = (1 << shift) >> 1. `release`: the row is the last
    one of its block.
    """

    channels: CHANNEL_BITS
    total: signed(29)
    r: 16
    shift: 6
    release: 1


class Activity(wiring.Signature):
    """What the pipeline does in a cycle, for the counters.

    Of the issue stage exactly one: `active` (a row went to the array), `no_step`, `blocked`
    (downstream), `no_row`, `no_weights`. Of the epilogue: `taken_direct`, or what it `waits_` for;
    `refused`: its output found no room. `..._waiting`: a gate holds that loader back.
    """

    def __init__(self):
        names = (
            "active no_step blocked no_row no_weights "
            "taken_direct waits_entry waits_residual waits_direct refused "
            "input_waiting weight_waiting parameter_waiting residual_waiting direct_waiting"
        )
        super().__init__({name: Out(1) for name in names.split()})
