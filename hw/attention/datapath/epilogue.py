"""The epilogue: from accumulators to output elements."""

from amaranth.hdl import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.datapath.activation import Activation, TableWrite
from hw.attention.datapath.requantise import Requantise
from hw.attention.types import Entry, OutputRow
from hw.common.numeric import store
from hw.config import EngineConfig
from hw.regmap import ElementType, ParamMode


class EntryWrite(wiring.Signature):
    """A write to the parameter buffer: `valid`, `index` in the tile, `entry`."""

    def __init__(self, config: EngineConfig):
        super().__init__({"valid": Out(1), "index": Out(range(config.tile)), "entry": Out(Entry)})


class Epilogue(wiring.Component):
    """Requantises accumulators, N a cycle, and optionally looks the results up in a table.

    Holds the parameter entries of one tile. By `param_mode` an output of tile row r and tile
    column c = group * N + lane uses entry c (COLUMN), entry r (ROW) or entry 0 (COMMON, HEAD).
    With `use_table` results are clipped to int8 whatever `y_type` says, go through the
    activation table, and its bytes are read as int8, or as uint8 when `y_type` is UINT8; with
    INT16 and INT32 `use_table` must be 0. With INT32 results are the accumulators.

    After A.V the normalisation is a requantisation with a row's own entry (see Reciprocal).

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    i : In(stream of OutputRow), accumulators
    o : Out(stream of OutputRow), results extended to 32 bits
    y_type : In(ElementType)
    use_table : In(1)
    param_mode : In(ParamMode)
    entry : In(EntryWrite)
    table : In(TableWrite)
    busy : Out; a row is inside or at `o`

    Timing
    ------
    Four cycles from `i` to `o`, one row a cycle. All stages stand still while `o` is refused:
    `i.ready` is `o.ready | ~o.valid`, combinational. `y_type`, `use_table` and `param_mode` must
    not change, and the table must not be written, while `busy`. Rows taken in the cycles after an
    entry was written use it; a row taken in the same cycle uses the old one.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(OutputRow(config))),
                "o": Out(stream.Signature(OutputRow(config))),
                "y_type": In(ElementType),
                "use_table": In(1),
                "param_mode": In(ParamMode),
                "entry": In(EntryWrite(config)),
                "table": In(TableWrite()),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        units = self._config.units
        advance = Signal()
        taken = Signal()
        m.d.comb += [
            advance.eq(self.o.ready | ~self.o.valid),
            self.i.ready.eq(advance),
            taken.eq(self.i.valid & advance),
        ]
        fetched, multiplied, clipped, looked_up = self._stages(m, advance)

        entries = self._entries(m, taken)
        values = Signal.like(self.i.payload.values)
        with m.If(taken):
            m.d.sync += values.eq(self.i.payload.values)

        m.submodules.activation = activation = Activation(config=self._config)
        clip_type = Mux(self.use_table, ElementType.INT8, self.y_type)
        results = Signal(data.ArrayLayout(signed(32), units))
        for lane in range(units):
            m.submodules[f"requantise_{lane}"] = requantise = Requantise()
            m.d.comb += [
                requantise.acc.eq(values[lane]),
                requantise.entry.eq(entries[lane]),
                requantise.y_type.eq(clip_type),
                requantise.multiply.eq(fetched.valid & advance),
                requantise.finish.eq(multiplied.valid & advance),
                activation.index[lane].eq(requantise.y[:8] ^ 0x80),
            ]
            with m.If(clipped.valid & advance & ~self.use_table):
                m.d.sync += results[lane].eq(requantise.y)
            byte = activation.value[lane]
            with m.If(~self.use_table):
                m.d.comb += store(self.o.payload.values[lane], results[lane])
            with m.Elif(self.y_type == ElementType.UINT8):
                m.d.comb += store(self.o.payload.values[lane], byte)
            with m.Else():
                m.d.comb += store(self.o.payload.values[lane], byte.as_signed())

        connect(m, flipped(self.table), activation.write)
        m.d.comb += [
            activation.enable.eq(clipped.valid & advance & self.use_table),
            self.o.valid.eq(looked_up.valid),
            self.o.payload.row.eq(looked_up.row),
            self.o.payload.group.eq(looked_up.group),
            self.busy.eq(fetched.valid | multiplied.valid | clipped.valid | looked_up.valid),
        ]
        return m

    def _stages(self, m, advance):
        """Return, first to last, what each stage holds: valid, row and group."""
        row, group = self.i.payload.row, self.i.payload.group
        place = data.StructLayout({"valid": 1, "row": row.shape(), "group": group.shape()})
        stages = [Signal(place, name=f"stage_{n}") for n in range(4)]
        valid = self.i.valid
        for stage in stages:
            with m.If(advance):
                m.d.sync += stage.valid.eq(valid)
                with m.If(valid):
                    m.d.sync += [stage.row.eq(row), stage.group.eq(group)]
            valid, row, group = stage.valid, stage.row, stage.group
        return stages

    def _entries(self, m, taken):
        """Return the lanes' entries, in the cycle after a row is `taken` and until the next."""
        units = self._config.units
        lane_bits = units.bit_length() - 1
        # Tile column c is kept in memory c % N at c // N; so is tile row r.
        m.submodules.entries = entries = memory.Memory(
            shape=data.ArrayLayout(Shape.cast(Entry).width, units),
            depth=max(self._config.groups, 2),
            init=(),
        )
        write = entries.write_port(granularity=1)
        m.d.comb += [
            write.en.eq(self.entry.valid << self.entry.index[:lane_bits]),
            write.addr.eq(self.entry.index[lane_bits:]),
        ]
        for lane in range(units):
            m.d.comb += write.data[lane].eq(self.entry.entry)

        read = entries.read_port()
        common = Signal(lane_bits)  # the memory whose entry serves all lanes
        m.d.comb += read.en.eq(taken)
        with m.Switch(self.param_mode):
            with m.Case(ParamMode.COLUMN):
                m.d.comb += read.addr.eq(self.i.payload.group)
            with m.Case(ParamMode.ROW):
                m.d.comb += read.addr.eq(self.i.payload.row[lane_bits:])
                with m.If(taken):
                    m.d.sync += common.eq(self.i.payload.row[:lane_bits])
            with m.Default():
                with m.If(taken):
                    m.d.sync += common.eq(0)
        broadcast = Signal(Entry)
        m.d.comb += broadcast.eq(read.data[common])
        own = self.param_mode == ParamMode.COLUMN
        lanes = [Signal(Entry, name=f"entry_{lane}") for lane in range(units)]
        for lane, chosen in enumerate(lanes):
            m.d.comb += chosen.eq(Mux(own, read.data[lane], broadcast))
        return lanes
