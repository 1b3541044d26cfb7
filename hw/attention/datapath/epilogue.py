"""The epilogue: from accumulators to output elements."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.datapath.activation import Activation
from hw.attention.datapath.entries import EntryBuffer
from hw.attention.datapath.requantise import Requantise
from hw.attention.types import (
    BANKS,
    ElementRow,
    Entry,
    EntryWrite,
    EpilogueStep,
    Join,
    OutputRow,
    TableWrite,
    group_range,
)
from hw.common.numeric import store, wrap
from hw.config import EngineConfig
from hw.regmap import ElementType, ParamMode


class _Place(data.StructLayout):
    """A row of outputs whose entries are read, and what is known about it from its step.

    `clip`: the type to clip to; `unsigned`: bytes of the table are uint8. `table_release`: this
    row is the last one of its table.
    """

    def __init__(self, config: EngineConfig):
        super().__init__(
            {
                "row": range(config.tile),
                "group": group_range(config),
                "direct": 1,
                "raw": 1,
                "join": Join,
                "clip": ElementType,
                "unsigned": 1,
                "use_table": 1,
                "table_bank": 1,
                "table_release": 1,
            }
        )


class Epilogue(wiring.Component):
    """Joins residuals, requantises, and looks the results up in a table: N outputs a cycle.

    A step describes a tile of outputs: `rows` rows and ceil(columns / N) groups, group by group or,
    of `direct` tiles, row by row. Its rows come from the accumulators or from the direct path.
    With Join.ACCUMULATE a row of R is added to them modulo 2^32, with Join.RESIDUAL it is the
    residual of the requantisation (elements of at most 16 bits). With `raw` that is the result.

    Two banks of T parameter entries: by `param_mode` an output of tile row r and tile column
    c = group * N + lane uses entry c (COLUMN), entry r (ROW) or entry 0 (COMMON, HEAD). A row
    waits until the entries of its columns are there, as `filled` says; the last row of a step with
    `release` frees the bank. (A `raw` step needs none and frees none.)

    With `use_table` results are clipped to int8 whatever `y_type` says, go through the activation
    table, and its bytes are read as int8, or as uint8 when `y_type` is UINT8; with INT16 and INT32
    and with `raw`, `use_table` must be 0. Rows wait for `table_filled`; the bank is freed when the
    last row's look-up is over. Rows of a later table of the same bank do not pass for the old one:
    between the last row of a table and its release, `table_filled` is not believed.

    After A.V the normalisation is a requantisation with a row's own entry (see Reciprocal).

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    step : In(stream of EpilogueStep)
    i : In(stream of OutputRow), accumulators in the step's order
    direct : In(stream of ElementRow), in the step's order
    residual : In(stream of ElementRow), R; one is taken with each row of a step that joins
    entry : In(EntryWrite)
    filled : In(2 x range(T + 1)); how many entries of each bank are there, from entry 0 on
    release : Out(2), one cycle; bit b: bank b is free. `filled` must be 0 in the next cycle.
    table : In(TableWrite)
    table_filled : In(2); the table is there
    table_release : Out(2), the same for tables
    o : Out(stream of OutputRow), results extended to 32 bits
    waits_entry : Out(1); a row waits for its entries or table
    waits_residual : Out(1); a row waits for its R
    waits_direct : Out(1); the next row comes from the direct path, which has none
    taken_direct : Out(1); a row of the direct path is taken
    busy : Out(1); a row is inside or at `o`

    Timing
    ------
    Four cycles from `i` or `direct` to `o`, one row a cycle across tiles and steps. Entries are
    read for the next row before it comes: a row can be taken one cycle after its step and
    `filled` allow it, and an entry may be read in the cycle after it was written.

    All stages stand still while `o` is refused (`o.valid & ~o.ready`); a row that waits for
    something holds up only those behind it. Combinational: `o.ready` to `release`,
    `table_release`, `step.ready` and the three ready of rows; `i.valid`, `direct.valid` and
    `residual.valid` to each other's ready, to `release` and to `step.ready`; `filled` and
    `table_filled` to `release` and `step.ready`.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "step": In(stream.Signature(EpilogueStep(config))),
                "i": In(stream.Signature(OutputRow(config))),
                "direct": In(stream.Signature(ElementRow(config))),
                "residual": In(stream.Signature(ElementRow(config))),
                "entry": In(EntryWrite(config)),
                "filled": In(data.ArrayLayout(range(config.tile + 1), BANKS)),
                "release": Out(BANKS),
                "table": In(TableWrite()),
                "table_filled": In(BANKS),
                "table_release": Out(BANKS),
                "o": Out(stream.Signature(OutputRow(config))),
                "waits_entry": Out(1),
                "waits_residual": Out(1),
                "waits_direct": Out(1),
                "taken_direct": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        units = self._config.units
        advance = Signal()
        taken = Signal()
        m.d.comb += advance.eq(self.o.ready | ~self.o.valid)

        m.submodules.entries = entries = EntryBuffer(config=self._config)
        connect(m, flipped(self.entry), entries.write)
        place, prepared = self._prepare(m, entries, advance, taken)
        self._take(m, place, prepared, advance, taken)
        joined, multiplied, summed, done = self._stages(m, taken, place, advance)

        # Joined: the sums, the residuals and the entries of a row.
        lanes = []
        for lane in range(units):
            acc = Signal(signed(32), name=f"acc_{lane}")
            r = Signal(signed(16), name=f"r_{lane}")
            entry = Signal(Entry, name=f"entry_{lane}")
            element = self.residual.payload.values[lane]
            start = Mux(place.direct, self.direct.payload.values[lane], self.i.payload.values[lane])
            addend = Mux(place.join == Join.ACCUMULATE, element, 0)
            with m.If(taken):
                m.d.sync += [
                    acc.eq(wrap(start + addend, signed(32))),
                    r.eq(wrap(Mux(place.join == Join.RESIDUAL, element, 0), signed(16))),
                    entry.eq(entries.entries[lane]),
                ]
            lanes.append((acc, r, entry))

        # Requantised, and looked up.
        m.submodules.activation = activation = Activation(config=self._config)
        results = Signal(data.ArrayLayout(signed(32), units))
        finish = Signal()
        m.d.comb += finish.eq(summed.valid & advance)
        for lane, (acc, r, entry) in enumerate(lanes):
            m.submodules[f"requantise_{lane}"] = requantise = Requantise()
            m.d.comb += [
                requantise.acc.eq(acc),
                requantise.r.eq(r),
                requantise.entry.eq(entry),
                requantise.raw.eq(joined.place.raw),
                requantise.multiply.eq(joined.valid & advance),
                requantise.add.eq(multiplied.valid & advance),
                requantise.y_type.eq(summed.place.clip),
                activation.index[lane].eq(requantise.y[:8] ^ 0x80),
            ]
            with m.If(finish):
                m.d.sync += results[lane].eq(requantise.y)
            byte = activation.value[lane]
            with m.If(~done.place.use_table):
                m.d.comb += store(self.o.payload.values[lane], results[lane])
            with m.Elif(done.place.unsigned):
                m.d.comb += store(self.o.payload.values[lane], byte)
            with m.Else():
                m.d.comb += store(self.o.payload.values[lane], byte.as_signed())

        connect(m, flipped(self.table), activation.write)
        m.d.comb += [
            activation.enable.eq(finish & summed.place.use_table),
            activation.bank.eq(summed.place.table_bank),
            self.table_release.eq((finish & summed.place.table_release) << summed.place.table_bank),
            self.o.valid.eq(done.valid),
            self.o.payload.row.eq(done.place.row),
            self.o.payload.group.eq(done.place.group),
            self.busy.eq(joined.valid | multiplied.valid | summed.valid | done.valid),
        ]
        return m

    def _prepare(self, m, entries, advance, taken):
        """Return the next row's place, and whether it is there: its entries are read.

        Steps are cut into places here.
        """
        config, step = self._config, self.step.payload
        lane_bits = config.units.bit_length() - 1
        row = Signal(range(config.tile))
        group = Signal(group_range(config))
        last_group = Signal(group_range(config))
        at_last_row = Signal()
        at_last_group = Signal()
        at_end = Signal()
        m.d.comb += [
            last_group.eq((step.columns - 1) >> lane_bits),
            at_last_row.eq(row + 1 == step.rows),
            at_last_group.eq(group == last_group),
            at_end.eq(at_last_row & at_last_group),
        ]

        # What the row needs: entries 0 to `needed` - 1, and perhaps a table.
        needed = Signal(range(config.tile + 1))
        with m.Switch(step.param_mode):
            with m.Case(ParamMode.COLUMN):
                m.d.comb += [
                    needed.eq(Mux(at_last_group, step.columns, (group + 1) << lane_bits)),
                    entries.index.eq(group << lane_bits),
                    entries.each.eq(1),
                ]
            with m.Case(ParamMode.ROW):
                m.d.comb += [needed.eq(row + 1), entries.index.eq(row)]
            with m.Default():
                m.d.comb += needed.eq(1)
        leaving = Signal(BANKS)  # tables whose last row is on its way to its look-up
        there = Signal()
        table_there = (self.table_filled & ~leaving).bit_select(step.table_bank, 1)
        m.d.comb += there.eq(
            (step.raw | (self.filled[step.bank] >= needed)) & (~step.use_table | table_there)
        )

        place = Signal(_Place(config))
        prepared = Signal()
        prepare = Signal()
        table_release = Signal()
        m.d.comb += [
            prepare.eq(self.step.valid & there & (~prepared | taken)),
            self.step.ready.eq(prepare & at_end),
            entries.enable.eq(prepare & ~step.raw),
            entries.bank.eq(step.bank),
            # What comes into the bank from the next cycle on cannot reach what is read now.
            self.release.eq((self.step.ready & step.release & ~step.raw) << step.bank),
            table_release.eq(step.use_table & step.table_release & at_end),
        ]
        clip = Mux(step.use_table, ElementType.INT8, Mux(step.raw, ElementType.INT32, step.y_type))
        with m.If(taken):
            m.d.sync += prepared.eq(0)
        with m.If(prepare):
            m.d.sync += [
                prepared.eq(1),
                place.row.eq(row),
                place.group.eq(group),
                place.direct.eq(step.direct),
                place.raw.eq(step.raw),
                place.join.eq(step.join),
                place.clip.eq(clip),
                place.unsigned.eq(step.y_type == ElementType.UINT8),
                place.use_table.eq(step.use_table),
                place.table_bank.eq(step.table_bank),
                place.table_release.eq(table_release),
            ]
            # Rows are the inner loop, or groups of direct tiles.
            with m.If(~step.direct | at_last_group):
                m.d.sync += row.eq(Mux(at_last_row, 0, row + 1))
            with m.If(step.direct | at_last_row):
                m.d.sync += group.eq(Mux(at_last_group, 0, group + 1))
        for bank in range(BANKS):
            with m.If(self.table_release[bank]):
                m.d.sync += leaving[bank].eq(0)
            with m.Elif(prepare & table_release & (step.table_bank == bank)):
                m.d.sync += leaving[bank].eq(1)

        row_there = Mux(step.direct, self.direct.valid, self.i.valid)
        m.d.comb += self.waits_entry.eq(self.step.valid & ~there & ~prepared & advance & row_there)
        return place, prepared

    def _take(self, m, place, prepared, advance, taken):
        """Take the prepared row, with its R, when all parts are there."""
        joins = Signal()
        residual_there = Signal()
        row_there = Signal()
        m.d.comb += [
            joins.eq(place.join != Join.NONE),
            residual_there.eq(~joins | self.residual.valid),
            row_there.eq(Mux(place.direct, self.direct.valid, self.i.valid)),
            taken.eq(prepared & advance & row_there & residual_there),
            self.i.ready.eq(prepared & advance & residual_there & ~place.direct),
            self.direct.ready.eq(prepared & advance & residual_there & place.direct),
            self.residual.ready.eq(prepared & advance & row_there & joins),
            self.waits_residual.eq(prepared & advance & row_there & ~residual_there),
            self.waits_direct.eq(prepared & advance & place.direct & ~self.direct.valid),
            self.taken_direct.eq(taken & place.direct),
        ]

    def _stages(self, m, taken, place, advance):
        """Return, first to last, what each stage holds: whether a row, and which."""
        layout = data.StructLayout({"valid": 1, "place": _Place(self._config)})
        stages = [Signal(layout, name=f"stage_{n}") for n in range(4)]
        valid = taken
        for stage in stages:
            with m.If(advance):
                m.d.sync += stage.valid.eq(valid)
                with m.If(valid):
                    m.d.sync += stage.place.eq(place)
            valid, place = stage.valid, stage.place
        return stages
