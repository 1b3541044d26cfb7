"""The checker: says what is wrong with a descriptor, or that nothing is."""

from functools import reduce
from operator import or_

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import DESCRIPTOR_BITS, Descriptor
from hw.config import TCDM_BASE, WORD_BYTES, ClusterConfig
from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
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

REACH_BITS = 56
"""Holds base + row stride * rows + head stride * heads + bytes of a row."""


def in_tcdm(config, first, last):
    """Return whether the bytes `first` to `last` (not before `first`) all lie in the TCDM."""
    return (first >= TCDM_BASE) & (last < TCDM_BASE + config.tcdm.bytes)


def is_descriptor_address(config, address):
    """Return whether a descriptor may lie at `address`."""
    return (address % DESCRIPTOR_ALIGN == 0) & in_tcdm(
        config, address, address + (DESCRIPTOR.bytes - 1)
    )


class Area(data.Struct):
    """An operand or a table in memory, as the range check takes it; `used`: it is looked at."""

    used: 1
    base: 32
    row_stride: 32
    rows: 17  # less one
    head_stride: 32
    size: REACH_BITS  # bytes of a row, less one


class Checker(wiring.Component):
    """Finds the lowest code of a descriptor's faults, as `sw_model.engine.check.check` defines.

    The range checks go through the operands one by one with a single multiplier; the others are
    read off the descriptor at once. Heads' steps j are not looked at: they lie elsewhere.

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
    status_ok : Out; the status word may be written (combinational from `descriptor`)

    Timing
    ------
    36 cycles from `start` to `done`.
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
        areas = self._areas(d)

        # One area after the other, four cycles each.
        index = Signal(range(len(areas) + 1), init=len(areas))
        area = Signal(Area)
        outside = Signal()
        reach = Signal(REACH_BITS)
        factor = Signal(32)
        times = Signal(17)
        product = Signal(49)
        m.d.comb += product.eq(factor * times)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [index.eq(0), outside.eq(0)]
                    m.next = "PICK"
            with m.State("PICK"):
                with m.Switch(index):
                    for i, fields in enumerate(areas):
                        with m.Case(i):
                            m.d.sync += [getattr(area, k).eq(v) for k, v in fields.items()]
                m.next = "SIZE"
                with m.If(index == len(areas)):
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
            with m.State("SIZE"):
                m.d.sync += [
                    reach.eq(area.base + area.size),
                    factor.eq(area.row_stride),
                    times.eq(area.rows),
                ]
                m.next = "ROWS"
            with m.State("ROWS"):
                m.d.sync += [
                    reach.eq(reach + product),
                    factor.eq(area.head_stride),
                    times.eq(d.heads[:17] - 1),
                ]
                m.next = "HEADS"
            with m.State("HEADS"):
                m.d.sync += reach.eq(reach + product)
                m.next = "COMPARE"
            with m.State("COMPARE"):
                with m.If(area.used & ~in_tcdm(self._config, area.base, reach)):
                    m.d.sync += outside.eq(1)
                m.d.sync += index.eq(index + 1)
                m.next = "PICK"

        faults = self._faults(d, areas)
        m.d.comb += [
            self.status_ok.eq(~faults[0][1]),
            self.status.eq(Mux(outside, Status.OUT_OF_RANGE, Status.DONE)),
        ]
        for code, fault in reversed(faults):
            with m.If(fault):
                m.d.comb += self.status.eq(code)
        return m

    def _areas(self, d):
        """Return the fields of each Area, in the order of the range checks."""
        attention = d.kind == Kind.ATTENTION
        has_entries = d.y_type != ElementType.INT32
        y_row = Mux(
            attention,
            d.inner,
            d.columns << Mux(d.y_type == ElementType.INT32, 2, d.y_type == ElementType.INT16),
        )
        sizes = {
            "x": (d.rows, d.inner, 1),
            "w": (d.columns, d.inner, 1),
            "y": (d.rows, y_row, 1),
            "r": (d.inner, d.columns, attention),
            "s": (d.block_rows << (d.blocks == 2), d.columns, attention),
        }
        areas = [
            {
                "used": used,
                "base": d[f"{name}_base"],
                "row_stride": d[f"{name}_row_stride"],
                "rows": rows - 1,
                "head_stride": d[f"{name}_head_stride"],
                "size": size - 1,
            }
            for name, (rows, size, used) in sizes.items()
        ]
        # Entries of a head are one row: `entries` of them, 16 bytes each, or 24 in attention.
        per_head = Mux(d.param_mode == ParamMode.COLUMN, d.columns, d.rows)
        several = (d.param_mode == ParamMode.COLUMN) | (d.param_mode == ParamMode.ROW)
        entries = Mux(several, per_head[:17], 1)
        stride = Mux(attention, HEAD_PARAMETER.bytes, entries * PARAMETER.bytes)
        shared = ~attention & (d.param_mode == ParamMode.COMMON)
        areas.append(
            {
                "used": attention | has_entries,
                "base": d.param_base,
                "row_stride": 0,
                "rows": 0,
                "head_stride": Mux(shared, 0, stride),
                "size": stride - 1,
            }
        )
        areas.append(
            {
                "used": d.use_table,
                "base": d.table_base,
                "row_stride": 0,
                "rows": 0,
                "head_stride": 0,
                "size": TABLE_BYTES - 1,
            }
        )
        return areas

    def _faults(self, d, areas):
        """Return (code, condition) of every fault but OUT_OF_RANGE, the first one to be told."""
        config = self._config
        attention = d.kind == Kind.ATTENTION
        sizes = [d.rows, d.columns, d.inner, d.heads]
        reserved = [
            (self.descriptor[32 * i : 32 * (i + 1)] & mask).any()
            for i in range(DESCRIPTOR.words)
            if (mask := DESCRIPTOR.reserved_mask(i))
        ]
        meaningless = [
            d.x_type >= ElementType.INT16,
            d.use_table & (d.y_type >= ElementType.INT16),
            attention
            & (
                (d.x_type != ElementType.INT8)
                | (d.y_type != ElementType.INT8)
                | (d.param_mode != ParamMode.HEAD)
                | (d.mask_mode > MaskMode.CAUSAL)
                | d.use_table
                | d.use_residual
                | d.accumulate
            ),
            d.use_residual & d.accumulate,
        ]
        no_size = [size == 0 for size in sizes]
        no_size += [attention & (size == 0) for size in (d.block_rows, d.blocks)]
        too_large = [size > MAX_SIZE for size in sizes]
        too_large += [
            attention & (d.kv_length > d.columns),
            attention & (d.block_rows > config.engine.tile),
            attention & (d.blocks > 2),
        ]
        misaligned = [
            area["used"] & (area[field][:3] != 0)
            for area in areas
            for field in ("base", "row_stride", "head_stride")
            if not isinstance(area[field], int)
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
            (Status.BAD_KIND, (d.kind < min(Kind)) | (d.kind > max(Kind))),
            (Status.INVALID, some(reserved)),
            (Status.UNSUPPORTED, (d.kind != Kind.LINEAR) & ~attention),
            (Status.INVALID, some(meaningless)),
            (Status.UNSUPPORTED, d.use_residual | d.accumulate),
            (Status.ZERO_SIZE, some(no_size)),
            (Status.TOO_LARGE, some(too_large)),
            (Status.MISALIGNED, some(misaligned)),
        ]
