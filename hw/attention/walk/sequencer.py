"""The sequencer: cuts a job into products of row blocks."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import (
    DESCRIPTOR_BITS,
    SIZE_BITS,
    Descriptor,
    Load,
    Phase,
    Product,
    word_bits,
)
from hw.config import ClusterConfig
from hw.regmap import HEAD_PARAMETER, PARAMETER, ElementType, Kind, ParamMode

OPERANDS = "xwrys"


class Sequencer(wiring.Component):
    """Goes through a job's heads, in each of them through its row blocks.

    A linear job's rows are cut into the fewest blocks of at most T rows, as equal as can be. The
    blocks of attention are the job's own; each is two products, the logits (into its scratch
    block) and then their exponentials times V.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    descriptor : In(1024 bits), a good one; held until `idle`
    start : In, one cycle
    idle : Out; every product was taken
    product : Out(stream of Product)

    Timing
    ------
    About 15 cycles from `start` to the first product, two between products.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "descriptor": In(DESCRIPTOR_BITS),
                "start": In(1),
                "idle": Out(1),
                "product": Out(stream.Signature(Product(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        tile = self._config.engine.tile
        address = self._config.tcdm.addr_width
        d = data.View(Descriptor(), self.descriptor)
        attention = d.kind == Kind.ATTENTION

        block_rows = Signal(range(tile + 1))
        rows_left = Signal(SIZE_BITS)
        heads_left = Signal(SIZE_BITS)
        row = Signal(SIZE_BITS)
        rows = Signal.like(block_rows)
        last_block = Signal()
        first_of_job = Signal()
        first_of_head = Signal()
        # Bases of the head and of the block, and what a block adds to them.
        strides = {n: d[f"{n}_row_stride"][:address] for n in OPERANDS}
        heads = {n: Signal(address, name=f"{n}_head") for n in OPERANDS}
        blocks = {n: Signal(address, name=f"{n}_block") for n in "xys"}
        steps = {n: Signal(address, name=f"{n}_step") for n in "xys"}
        entries_head = Signal(word_bits(self._config))
        entries_block = Signal.like(entries_head)
        m.d.comb += [
            last_block.eq(rows_left <= block_rows),
            rows.eq(Mux(last_block, rows_left, block_rows)),
        ]

        in_table = Signal()
        in_values = Signal()
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(1)
                with m.If(self.start):
                    m.d.sync += [
                        first_of_job.eq(1),
                        heads_left.eq(d.heads),
                        *(heads[n].eq(d[f"{n}_base"]) for n in heads),
                        entries_head.eq(d.param_base >> 3),
                    ]
                    m.next = "BLOCKS"
            self._balance_states(m, d, attention, block_rows, then="STEP_X")
            for name, then in (("x", "STEP_Y"), ("y", "STEP_S"), ("s", "TABLE")):
                with m.State(f"STEP_{name.upper()}"):
                    m.d.sync += steps[name].eq(strides[name] * block_rows)
                    m.next = then
            with m.State("TABLE"):
                m.d.comb += [in_table.eq(1), self.product.valid.eq(d.use_table)]
                with m.If(~d.use_table | self.product.ready):
                    m.next = "HEAD"
            with m.State("HEAD"):
                m.d.sync += [
                    *(blocks[n].eq(heads[n]) for n in blocks),
                    entries_block.eq(entries_head),
                    rows_left.eq(d.rows),
                    row.eq(0),
                    first_of_head.eq(1),
                ]
                m.next = "BLOCK"
            with m.State("BLOCK"):
                m.d.comb += self.product.valid.eq(1)
                with m.If(self.product.ready):
                    m.next = "NEXT"
                    with m.If(attention):
                        m.next = "VALUES"
            with m.State("VALUES"):
                m.d.comb += [in_values.eq(1), self.product.valid.eq(1)]
                with m.If(self.product.ready):
                    m.next = "NEXT"
            with m.State("NEXT"):
                # Scratch blocks take turns.
                one_block = (d.blocks == 1) | (blocks["s"] != heads["s"])
                m.d.sync += [
                    *(blocks[n].eq(blocks[n] + steps[n]) for n in "xy"),
                    blocks["s"].eq(Mux(one_block, heads["s"], heads["s"] + steps["s"])),
                    rows_left.eq(rows_left - rows),
                    row.eq(row + rows),
                    first_of_job.eq(0),
                    first_of_head.eq(0),
                ]
                with m.If(d.param_mode == ParamMode.ROW):
                    m.d.sync += entries_block.eq(entries_block + rows * PARAMETER.words)
                m.next = "BLOCK"
                with m.If(last_block):
                    m.d.sync += [
                        heads_left.eq(heads_left - 1),
                        *(heads[n].eq(heads[n] + d[f"{n}_head_stride"]) for n in heads),
                        entries_head.eq(entries_head + self._head_words(m, d, attention)),
                    ]
                    m.next = "HEAD"
                    with m.If(heads_left == 1):
                        m.next = "IDLE"

        product = self.product.payload
        m.d.comb += [
            product.row.eq(row),
            product.rows.eq(rows),
            product.drain.eq(attention),
        ]
        with m.If(in_values):
            m.d.comb += [
                product.phase.eq(Phase.VALUES),
                *self._operand(product, "x", blocks["s"], strides["s"]),
                *self._operand(product, "w", heads["r"], strides["r"]),
                *self._operand(product, "y", blocks["y"], strides["y"]),
                product.columns.eq(d.inner),
                product.inner.eq(d.columns),
                product.load.eq(Load.MASSES),
                product.load_count.eq(rows),
            ]
        with m.Else():
            target = Mux(attention, blocks["s"], blocks["y"])
            m.d.comb += [
                product.phase.eq(Mux(attention, Phase.LOGITS, Phase.LINEAR)),
                *self._operand(product, "x", blocks["x"], strides["x"]),
                *self._operand(product, "w", heads["w"], strides["w"]),
                *self._operand(product, "y", target, Mux(attention, strides["s"], strides["y"])),
                product.columns.eq(d.columns),
                product.inner.eq(d.inner),
            ]
            self._entries(m, d, in_table, attention, entries_block, first_of_job, first_of_head)
        return m

    @staticmethod
    def _operand(product, name, base, stride):
        return [product[name].eq(base), product[f"{name}_stride"].eq(stride)]

    def _balance_states(self, m, d, attention, block_rows, *, then):
        """Add the states that find the rows of a block.

        A linear job has n = ceil(rows / T) blocks of ceil(rows / n) rows: T less the quotient of
        what n blocks of T rows would be too many, found bit by bit.
        """
        tile = self._config.engine.tile
        tile_bits = tile.bit_length() - 1
        count = Signal(SIZE_BITS)  # n
        excess = Signal(range(tile))
        bit = Signal(range(tile_bits))
        with m.State("BLOCKS"):
            rounded = Signal(SIZE_BITS + 1)
            m.d.comb += rounded.eq(d.rows[:SIZE_BITS] + (tile - 1))
            m.d.sync += [
                count.eq(rounded >> tile_bits),
                excess.eq(~rounded[:tile_bits]),
                bit.eq(tile_bits - 1),
                block_rows.eq(tile),
            ]
            m.next = "BALANCE"
            with m.If(attention):
                m.d.sync += block_rows.eq(d.block_rows)
                m.next = then
        with m.State("BALANCE"):
            part = count << bit
            with m.If(excess >= part):
                m.d.sync += [
                    excess.eq(excess - part),
                    block_rows.eq(block_rows - (1 << bit)),
                ]
            m.d.sync += bit.eq(bit - 1)
            with m.If(bit == 0):
                m.next = then

    def _head_words(self, m, d, attention):
        """Return the words of parameters of one head."""
        words = Signal(SIZE_BITS + 1)
        with m.If(attention):
            m.d.comb += words.eq(HEAD_PARAMETER.words)
        with m.Else():
            with m.Switch(d.param_mode):
                with m.Case(ParamMode.HEAD):
                    m.d.comb += words.eq(PARAMETER.words)
                with m.Case(ParamMode.COLUMN):
                    m.d.comb += words.eq(d.columns * PARAMETER.words)
                with m.Case(ParamMode.ROW):
                    m.d.comb += words.eq(d.rows * PARAMETER.words)
        return words

    def _entries(self, m, d, in_table, attention, block, first_of_job, first_of_head):
        """Say where the parameters of a linear product or of logits come from."""
        product = self.product.payload
        tile = self._config.engine.tile
        by_column = d.param_mode == ParamMode.COLUMN
        fresh = Signal()  # the epilogue does not hold them yet
        with m.Switch(d.param_mode):
            with m.Case(ParamMode.COMMON):
                m.d.comb += fresh.eq(first_of_job)
            with m.Case(ParamMode.HEAD):
                m.d.comb += fresh.eq(first_of_head)
            with m.Case(ParamMode.COLUMN):
                m.d.comb += fresh.eq(first_of_head | (d.columns > tile))
            with m.Case(ParamMode.ROW):
                m.d.comb += fresh.eq(1)
        m.d.comb += [
            product.load_word.eq(block),
            product.load_count.eq(Mux(d.param_mode == ParamMode.ROW, product.rows, 1)),
            product.each_tile.eq(by_column & ~attention),
        ]
        with m.If(in_table):
            m.d.comb += [product.load.eq(Load.TABLE), product.load_word.eq(d.table_base >> 3)]
        with m.Elif(attention):
            m.d.comb += product.load.eq(Load.HEAD)
        with m.Elif((d.y_type != ElementType.INT32) & fresh):
            m.d.comb += product.load.eq(Load.ENTRIES)
        with m.Else():
            m.d.comb += product.load.eq(Load.KEEP)
