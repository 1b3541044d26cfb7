"""The structs that join the engine's control with its streamers.

Addresses are offsets into the TCDM and wrap modulo its size; `word` addresses count 64-bit words.
"""

from amaranth.hdl import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import Out

from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import DESCRIPTOR

SIZE_BITS = 16
"""Width of rows, columns and inner: MAX_SIZE fits."""

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


class Phase(enum.Enum, shape=2):
    """What a product is: linear, or one of attention's two."""

    LINEAR = 0
    LOGITS = 1
    VALUES = 2


class Load(enum.Enum, shape=3):
    """What the parameter unit does for a tile (or, TABLE, before the first one)."""

    KEEP = 0
    ENTRIES = 1
    HEAD = 2
    MASSES = 3
    TABLE = 4


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
    """A product of one row block: Y[rows, columns] = X[rows, inner] . W[columns, inner]^T.

    `row` is the job's number of the block's first row. `load`, `load_word` and `load_count` say
    where the parameters of its outputs come from: with `each_tile` an entry for each column of
    each tile, else `load_count` of them once, with the first tile. `drain`: not begun before
    everything before it is performed. With `load` TABLE nothing but the table is loaded.
    """

    def __init__(self, config: ClusterConfig):
        address = config.tcdm.addr_width
        super().__init__(
            {
                "phase": Phase,
                "x": address,
                "x_stride": address,
                "w": address,
                "w_stride": address,
                "y": address,
                "y_stride": address,
                "rows": range(config.engine.tile + 1),
                "columns": SIZE_BITS,
                "inner": SIZE_BITS,
                "row": SIZE_BITS,
                "load": Load,
                "load_word": word_bits(config),
                "load_count": range(config.engine.tile + 1),
                "each_tile": 1,
                "drain": 1,
            }
        )


class InputStep(data.StructLayout):
    """An input tile to fetch: `rows` rows of `lanes` bytes.

    `softmax`: the bytes are logits of keys `key`, `key` + 1, ... of query `row` and its followers;
    `accumulate`: their exponentials are summed up; `sums_up`: after this tile the sums are whole.
    """

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "word": word_bits(config),
                "stride": word_bits(config),
                "rows": range(config.engine.tile + 1),
                "lanes": range(config.engine.tile + 1),
                "softmax": 1,
                "accumulate": 1,
                "sums_up": 1,
                "row": SIZE_BITS,
                "key": SIZE_BITS,
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
            }
        )


class IssueStep(data.StructLayout):
    """A tile step to compute; `unsigned`: the input bytes are uint8."""

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "rows": range(config.engine.tile + 1),
                "columns": range(config.engine.tile + 1),
                "first": 1,
                "last": 1,
                "unsigned": 1,
            }
        )


class ParameterStep(data.StructLayout):
    """What the epilogue needs for a tile's outputs: `count` entries from `word` on."""

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {"load": Load, "word": word_bits(config), "count": range(config.engine.tile + 1)}
        )


class OutputStep(data.StructLayout):
    """An output tile to write; `logits`: of query `row` and key `key` on, to be compared."""

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "word": word_bits(config),
                "stride": word_bits(config),
                "rows": range(config.engine.tile + 1),
                "columns": range(config.engine.tile + 1),
                "logits": 1,
                "row": SIZE_BITS,
                "key": SIZE_BITS,
            }
        )


class Mask(data.Struct):
    """Which keys a query sees: those below `kv_length` and, if `causal`, up to row + `offset`."""

    kv_length: SIZE_BITS
    causal: 1
    offset: signed(16)


def keys_in_sight(m, mask, row, key, count):
    """Return how many of `count` keys from `key` on query `row` sees; they are the first ones.

    Adds signals to module `m`: an expression used twice would be there twice.
    """
    last = Signal(signed(SIZE_BITS + 2))
    limit = Signal(signed(SIZE_BITS + 2))
    left = Signal(signed(SIZE_BITS + 3))
    seen = Signal(len(count))
    m.d.comb += [
        last.eq(row + mask.offset + 1),
        limit.eq(Mux(mask.causal & (last < mask.kv_length), last, mask.kv_length)),
        left.eq(limit - key),
        seen.eq(Mux(left < 0, 0, Mux(left < count, left, count))),
    ]
    return seen


def first_lanes(count, lanes):
    """Return a mask of `lanes` bits with the lowest `count` (a signal) set."""
    return Cat(lane < count for lane in range(lanes))
