"""The checker: says what is wrong with a descriptor, or that nothing is."""

from functools import reduce
from operator import or_

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import DESCRIPTOR_BITS, SIZE_BITS, Descriptor, word_bits
from hw.config import TCDM_BASE, WORD_BYTES, ClusterConfig
from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
    MAX_CHANNELS,
    MAX_SIZE,
    OPERAND_ALIGN,
    PARAMETER,
    TABLE_BYTES,
    ElementType,
    Kind,
    MaskMode,
    ParamMode,
    Status,
)

WORD_SHIFT = WORD_BYTES.bit_length() - 1


def in_tcdm(config, first, last):
    """Return whether the bytes `first` to `last` (not before `first`) all lie in the TCDM."""
    return (first >= TCDM_BASE) & (last < TCDM_BASE + config.tcdm.bytes)


def is_descriptor_address(config, address):
    """Return whether a descriptor may lie at `address`."""
    return (address % DESCRIPTOR_ALIGN == 0) & in_tcdm(
        config, address, address + (DESCRIPTOR.bytes - 1)
    )


class Area(data.Struct):
    """An operand or a table in memory, as the range check takes it.

    Strides and the size of a row count words of 8 bytes; all numbers are less one but strides.
    """

    base: 32
    row_stride: 32 - WORD_SHIFT
    rows: SIZE_BITS
    head_stride: 32 - WORD_SHIFT
    heads: SIZE_BITS
    size: SIZE_BITS + 2


class Checker(wiring.Component):
    """Finds the lowest code of a descriptor's faults, as `sw_model.engine.check.check` defines.

    The areas that the job uses go one by one through a pipeline that finds their last words; all
    other faults are read off the descriptor at once. Heads' steps j are not looked at: they lie
    elsewhere.

    Where a fault of a lower code is there, the ranges do not matter: sizes and alignment are right
    where they do.

    Parameters
    ----------
    config : ClusterConfig
        Sizes of the TCDM and of a tile.

    Members
    -------
    descriptor : In(1024 bits), held until `done`
    start : In, one cycle
    done : Out, one cycle
    status : Out(8), with `done`: a `Status`, DONE when there is no fault
    status_ok : Out, from `done` to the next `start`: the status word may be written

    Timing
    ------
    From `start` to `done` a cycle for each area that is used (2 to 7), and 2 more. All outputs
    come from registers.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "descriptor": In(DESCRIPTOR_BITS),
                "start": In(1),
                "done": Out(1),
                "status": Out(8),
                "status_ok": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        d = data.View(Descriptor(), self.descriptor)
        kind = {k: Signal(name=k.name.lower()) for k in Kind}
        m.d.comb += [signal.eq(d.kind == k) for k, signal in kind.items()]
        areas = self._areas(d, kind)
        checking = Signal()
        outside = Signal()

        # The first area that is left, then the others.
        left = Signal(len(areas))
        todo = Signal(len(areas))
        area_valid = Signal()
        area = Signal(Area)
        m.d.comb += todo.eq(Mux(self.start, Cat(used for used, _ in areas.values()), left))
        m.d.sync += [left.eq(todo & (todo - 1)), area_valid.eq(todo.any())]
        for n, (_, fields) in reversed(list(enumerate(areas.values()))):
            with m.If(todo[n]):
                m.d.sync += [getattr(area, name).eq(value) for name, value in fields.items()]

        # How far its last row and head are from its base.
        word_width = word_bits(self._config)
        near_row, near_head = area.row_stride[:word_width], area.head_stride[:word_width]
        products_valid = Signal()
        half = SIZE_BITS // 2
        products = Signal(data.ArrayLayout(word_width + half, 4))
        first = Signal(word_width + 1 + SIZE_BITS)
        far = Signal()
        m.d.sync += [
            products_valid.eq(area_valid),
            products[0].eq(near_row * area.rows[:half]),
            products[1].eq(near_row * area.rows[half:]),
            products[2].eq(near_head * area.heads[:half]),
            products[3].eq(near_head * area.heads[half:]),
            first.eq(area.base[WORD_SHIFT : word_width + WORD_SHIFT] + area.size),
            far.eq(
                (area.base[word_width + WORD_SHIFT :] != TCDM_BASE >> (word_width + WORD_SHIFT))
                | (area.row_stride[word_width:].any() & area.rows.any())
                | (area.head_stride[word_width:].any() & area.heads.any())
            ),
        ]

        # Whether that is in the TCDM.
        last = Signal(word_width + SIZE_BITS + 2)
        m.d.comb += last.eq(
            first + products[0] + products[2] + ((products[1] + products[3]) << half)
        )
        with m.If(products_valid & (far | last[word_width:].any())):
            m.d.sync += outside.eq(1)

        faults = self._faults(d, kind, areas)
        found = Signal(len(faults))
        with m.If(self.start):
            m.d.sync += [
                checking.eq(1),
                outside.eq(0),
                found.eq(Cat(fault for _, fault in faults)),
            ]
        with m.If(self.done):
            m.d.sync += checking.eq(0)
        m.d.comb += [
            self.done.eq(checking & ~area_valid & ~products_valid),
            self.status_ok.eq(~found[0]),
            self.status.eq(Mux(outside, Status.OUT_OF_RANGE, Status.DONE)),
        ]
        for n, (code, _) in reversed(list(enumerate(faults))):
            with m.If(found[n]):
                m.d.comb += self.status.eq(code)
        return m

    @staticmethod
    def _areas(d, kind):
        """Return {name: (used, fields of its Area)} of the areas that a job may use."""
        attention = kind[Kind.ATTENTION]
        multiplies = kind[Kind.LINEAR] | attention
        joins = d.use_residual | d.accumulate

        def words(count, element_type=None):
            """Return the words of `count` elements, bytes if no type is given, less one."""
            count = count[:SIZE_BITS]
            if element_type is not None:
                wide = Cat(element_type == ElementType.INT16, element_type == ElementType.INT32)
                count <<= wide
            return (count - 1) >> WORD_SHIFT

        x_row = Mux(multiplies, words(d.inner), words(d.columns, d.x_type))
        y_row = Mux(attention, words(d.inner), words(d.columns, d.y_type))
        r_row = Mux(attention, words(d.columns), words(d.columns, d.r_type))
        operands = {
            "x": (Const(1), d.rows, x_row),
            "w": (multiplies, d.columns, words(d.inner)),
            "y": (Const(1), d.rows, y_row),
            "r": (attention | joins, Mux(attention, d.inner, d.rows), r_row),
            "s": (attention, d.block_rows << (d.blocks == 2), words(d.columns)),
        }
        areas = {
            name: (
                used,
                {
                    "base": d[f"{name}_base"],
                    "row_stride": d[f"{name}_row_stride"] >> WORD_SHIFT,
                    "rows": rows - 1,
                    "head_stride": d[f"{name}_head_stride"] >> WORD_SHIFT,
                    "heads": d.heads - 1,
                    "size": size,
                },
            )
            for name, (used, rows, size) in operands.items()
        }
        # Entries of a head are one row: `entries` of them, two words each, or three in attention.
        per_head = Mux(d.param_mode == ParamMode.COLUMN, d.columns, d.rows)[:SIZE_BITS]
        several = (d.param_mode == ParamMode.COLUMN) | (d.param_mode == ParamMode.ROW)
        shared = ~attention & (d.param_mode == ParamMode.COMMON)
        stride = Mux(attention, HEAD_PARAMETER.words, Mux(several, per_head, 1) * PARAMETER.words)
        entries = {
            "base": d.param_base,
            "row_stride": 0,
            "rows": 0,
            "head_stride": stride,
            "heads": Mux(shared, 0, d.heads - 1),
            "size": stride - 1,
        }
        table = {"base": d.table_base, "row_stride": 0, "rows": 0, "head_stride": 0, "heads": 0}
        table["size"] = TABLE_BYTES // WORD_BYTES - 1
        has_entries = ~kind[Kind.COPY] & (d.y_type != ElementType.INT32)
        areas["param"] = (attention | has_entries, entries)
        areas["table"] = (d.use_table, table)
        return areas

    def _faults(self, d, kind, areas):
        """Return (code, condition) of every fault but OUT_OF_RANGE, the first one to be told."""
        config = self._config
        attention, layernorm, copy = (kind[k] for k in (Kind.ATTENTION, Kind.LAYERNORM, Kind.COPY))
        multiplies = kind[Kind.LINEAR] | attention
        may_join = kind[Kind.LINEAR] | kind[Kind.ELEMENTWISE]
        joins = d.use_residual | d.accumulate
        sizes = [(Const(1), size) for size in (d.rows, d.columns, d.heads)]
        sizes.append((multiplies, d.inner))
        reserved = [
            (self.descriptor[32 * i : 32 * (i + 1)] & mask).any()
            for i in range(DESCRIPTOR.words)
            if (mask := DESCRIPTOR.reserved_mask(i))
        ]
        meaningless = [
            multiplies & (d.x_type >= ElementType.INT16),
            d.use_table & (d.y_type >= ElementType.INT16),
            joins & ~may_join,
            d.use_residual & d.accumulate,
            d.use_residual & (d.r_type == ElementType.INT32),
            d.use_residual & (d.y_type == ElementType.INT32),
            d.accumulate & (d.r_type != ElementType.INT32),
            attention
            & (
                (d.x_type != ElementType.INT8)
                | (d.y_type != ElementType.INT8)
                | (d.param_mode != ParamMode.HEAD)
                | (d.mask_mode > MaskMode.CAUSAL)
                | d.use_table
            ),
            layernorm & ((d.x_type == ElementType.INT32) | (d.y_type == ElementType.INT32)),
            copy & ((d.y_type != d.x_type) | d.use_table),
        ]
        no_size = [used & (size == 0) for used, size in sizes]
        no_size += [attention & (size == 0) for size in (d.block_rows, d.blocks)]
        too_large = [used & (size > MAX_SIZE) for used, size in sizes]
        too_large += [
            attention & (d.kv_length > d.columns),
            attention & (d.block_rows > config.engine.tile),
            attention & (d.blocks > 2),
            layernorm & (d.columns > MAX_CHANNELS),
        ]
        misaligned = [
            used & (d[field] % OPERAND_ALIGN != 0)
            for name, (used, _) in areas.items()
            for part in ("base", "row_stride", "head_stride")
            if (field := f"{name}_{part}") in DESCRIPTOR.names
        ]
        status_fits = in_tcdm(config, d.status, d.status + (WORD_BYTES - 1))

        def some(conditions):
            return reduce(or_, conditions)

        return [
            (
                Status.STATUS_ADDRESS,
                (d.status != 0) & ((d.status % OPERAND_ALIGN != 0) | ~status_fits),
            ),
            (Status.BAD_VERSION, d.version != DESCRIPTOR_VERSION),
            (Status.BAD_KIND, ~Cat(kind.values()).any()),
            (Status.INVALID, some(reserved + meaningless)),
            (Status.ZERO_SIZE, some(no_size)),
            (Status.TOO_LARGE, some(too_large)),
            (Status.MISALIGNED, some(misaligned)),
        ]
