"""The structs that join the engine's control with its streamers.

Addresses are offsets into the TCDM and wrap modulo its size; `word` addresses count 64-bit words.
"""

from amaranth.hdl import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import Out

from hw.attention.types import CHANNEL_BITS, Join
from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import DESCRIPTOR, ElementType, ParamMode

SIZE_BITS = 16
"""Width of rows, columns and inner: MAX_SIZE fits."""

POSITION_BITS = 24
"""Width of a position: output rows of N elements in the order in which they are written, counted
modulo 2^24. Positions that are compared lie less than half of that apart."""

NORM_ROWS = 12
"""Largest row block of LayerNorm. Its statistics are taken while the block before is normalised;
only those of a job's first block are waited for."""

TURN_BITS = 2
"""Width of a block's turn, which counts the row blocks of attention modulo 4: of row maxima there
are two banks (its low bit), of a head's j and gain four, for they are loaded further ahead."""

DESCRIPTOR_BITS = 8 * DESCRIPTOR.bytes


class Descriptor(data.FlexibleLayout):
    """The layout of a descriptor's 1024 bits: fields of `regmap.DESCRIPTOR`."""

    def __init__(self):
        super().__init__(
            DESCRIPTOR_BITS,
            {
                field.name: data.Field(
                    signed(field.width) if field.signed else unsigned(field.width),
                    word * DESCRIPTOR.word_bits + field.low,
                )
                for word, field in DESCRIPTOR.fields
            },
        )


class Phase(enum.Enum, shape=3):
    """What a product is.

    LINEAR; LOGITS and VALUES, the two of attention; STATISTICS and DIRECT, the two of LayerNorm
    (element-wise jobs and copies have only DIRECT ones).
    """

    LINEAR = 0
    LOGITS = 1
    VALUES = 2
    STATISTICS = 3
    DIRECT = 4


class Load(enum.Enum, shape=3):
    """What the parameter unit does: nothing; loads entries, a head's entry with its j and gain,
    the reciprocals of softmax masses, or an activation table."""

    NONE = 0
    ENTRIES = 1
    HEAD = 2
    MASSES = 3
    TABLE = 4


class Gate(data.Struct):
    """What a fetch waits for: with `wait`, until the writes up to `position` are performed.

    With `by_row`, row r of a tile waits for those up to `position` + r + 1 instead.
    """

    wait: 1
    by_row: 1
    position: POSITION_BITS


def is_open(m, gate, performed, row=0):
    """Return whether row `row` may be fetched when the writes before `performed` are performed.

    Adds signals to module `m`.
    """
    ahead = Signal(signed(POSITION_BITS))
    m.d.comb += ahead.eq(performed - gate.position)
    return ~gate.wait | (ahead >= Mux(gate.by_row, row + 1, 0))


class Mask(data.Struct):
    """Which keys a query sees: those below `kv_length` and, if `causal`, up to row + `offset`."""

    kv_length: SIZE_BITS
    causal: 1
    offset: signed(16)


def word_bits(config: ClusterConfig):
    """Width of a word address in the TCDM."""
    return config.tcdm.addr_width - (WORD_BYTES.bit_length() - 1)


class RowCommand(data.StructLayout):
    """A read of 1 to `row_words` neighbouring words."""

    def __init__(self, config: ClusterConfig):
        super().__init__({"word": word_bits(config), "count": range(config.engine.row_words + 1)})


class RowAnswer(wiring.Signature):
    """A row that was read; words beyond those asked for are arbitrary. It must be taken."""

    def __init__(self, config: ClusterConfig):
        super().__init__({"valid": Out(1), "data": Out(8 * config.engine.lanes)})


class WordWrite(data.StructLayout):
    """A write of one word."""

    def __init__(self, config: ClusterConfig):
        super().__init__({"word": word_bits(config), "data": 64, "strobe": WORD_BYTES})


class Product(data.StructLayout):
    """A product of one row block, or what else is done with it; see Phase.

    LINEAR, LOGITS and VALUES: Y[rows, columns] = X[rows, inner] . W[columns, inner]^T. DIRECT:
    Y[rows, columns] of X[rows, columns]. STATISTICS: of X[rows, columns]. R goes with Y where
    `join` says so.

    `row` is the job's number of the block's first row; `turn` counts the blocks.
    `load`, `load_word` and `load_count` say where the parameters of the outputs come from: with
    `each_tile` an entry for each column of each tile, else `load_count` of them once. With `load`
    TABLE nothing but the table is loaded. `table_release`: the job's last product.
    """

    def __init__(self, config: ClusterConfig):
        address = config.tcdm.addr_width
        operands = {}
        for name in "xwry":
            operands |= {name: address, f"{name}_stride": address}
        super().__init__(
            {
                "phase": Phase,
                **operands,
                **{f"{name}_gate": Gate for name in "xwrp"},
                "rows": range(config.engine.tile + 1),
                "columns": SIZE_BITS,
                "inner": SIZE_BITS,
                "row": SIZE_BITS,
                "turn": TURN_BITS,
                "load": Load,
                "load_word": word_bits(config),
                "load_count": range(config.engine.tile + 1),
                "each_tile": 1,
                "x_type": ElementType,
                "y_type": ElementType,
                "r_type": ElementType,
                "raw": 1,
                "normalise": 1,
                "join": Join,
                "param_mode": ParamMode,
                "use_table": 1,
                "table_bank": 1,
                "table_release": 1,
                "mask": Mask,
            }
        )


class InputStep(data.StructLayout):
    """An input tile to fetch: `rows` rows of `lanes` bytes.

    `softmax`: the bytes are logits of keys `key`, `key` + 1, ... of query `row` and its followers,
    whose maxima are in the bank of `turn`. `accumulate`: their exponentials are summed up, from 0
    if `first_sum`; `sums_up`: after this tile the sums are whole.
    """

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "word": word_bits(config),
                "stride": word_bits(config),
                "rows": range(config.engine.tile + 1),
                "lanes": range(config.engine.tile + 1),
                "gate": Gate,
                "softmax": 1,
                "accumulate": 1,
                "first_sum": 1,
                "sums_up": 1,
                "turn": TURN_BITS,
                "row": SIZE_BITS,
                "key": SIZE_BITS,
                "mask": Mask,
            }
        )


class WeightStep(data.StructLayout):
    """A weight tile to fetch, group by group: `columns` rows of `words` words."""

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "word": word_bits(config),
                "stride": word_bits(config),
                "columns": range(config.engine.tile + 1),
                "words": range(config.engine.row_words + 1),
                "gate": Gate,
            }
        )


class IssueStep(data.StructLayout):
    """A tile step to compute.

    `unsigned`: the input bytes are uint8. `keep`: the next step uses the same input tile.
    """

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "rows": range(config.engine.tile + 1),
                "columns": range(config.engine.tile + 1),
                "first": 1,
                "last": 1,
                "unsigned": 1,
                "keep": 1,
            }
        )


class ElementStep(data.StructLayout):
    """Elements to fetch, N at a time: a tile of R or X in the order of its outputs, or whole rows.

    `by_row`: row by row, in each row group by group; else group by group, in each group row by
    row. `normalise`: the rows take their LayerNorm statistics; `release`: for the last time.
    """

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "word": word_bits(config),
                "stride": word_bits(config),
                "rows": range(config.engine.tile + 1),
                "columns": CHANNEL_BITS,
                "type": ElementType,
                "by_row": 1,
                "normalise": 1,
                "release": 1,
                "gate": Gate,
            }
        )


class ParameterStep(data.StructLayout):
    """What the epilogue needs for a tile's outputs: `count` entries from `word` on, into `bank`.

    `turn`: HEAD puts j and gain there, MASSES takes the gain from there. Of TABLE, `bank` is
    that of the tables.
    """

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "load": Load,
                "word": word_bits(config),
                "count": range(config.engine.tile + 1),
                "bank": 1,
                "turn": TURN_BITS,
                "gate": Gate,
            }
        )


class OutputStep(data.StructLayout):
    """An output tile to write, in the order of ElementStep's `by_row`.

    `logits`: of query `row` and key `key` on, to be compared, maxima in the bank of `turn`.
    """

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "word": word_bits(config),
                "stride": word_bits(config),
                "rows": range(config.engine.tile + 1),
                "columns": range(config.engine.tile + 1),
                "y_type": ElementType,
                "by_row": 1,
                "logits": 1,
                "turn": TURN_BITS,
                "row": SIZE_BITS,
                "key": SIZE_BITS,
                "mask": Mask,
            }
        )


def first_lanes(count, lanes):
    """Return a mask of `lanes` bits with the lowest `count` (a signal) set."""
    return Cat(lane < count for lane in range(lanes))
