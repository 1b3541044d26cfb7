"""The sequencer: cuts a job into products of row blocks."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import (
    DESCRIPTOR_BITS,
    NORM_ROWS,
    POSITION_BITS,
    SIZE_BITS,
    TURN_BITS,
    Descriptor,
    Load,
    Phase,
    Product,
    word_bits,
)
from hw.attention.types import Join
from hw.attention.walk.blocks import BlockRows
from hw.attention.walk.sight import BlockSight
from hw.config import ClusterConfig
from hw.regmap import HEAD_PARAMETER, PARAMETER, ElementType, Kind, MaskMode, ParamMode

OPERANDS = "xwrys"


class Ended(wiring.Signature):
    """The last product of a job is out: `valid` for one cycle, `position` after its outputs."""

    def __init__(self):
        super().__init__({"valid": Out(1), "position": Out(POSITION_BITS)})


class Sequencer(wiring.Component):
    """Goes through a job's heads, in each of them through its row blocks.

    Blocks are the fewest of at most T rows, as equal as can be; those of attention are the job's
    own, those of LayerNorm have NORM_ROWS rows. Each block is one product, or two: logits and
    then their exponentials times V; statistics and then the normalised rows. Where two blocks'
    intermediates can be kept (attention with two scratch blocks, LayerNorm), a block's second
    product comes after the first one of the next block, which hides the way from the one to the
    other: A0 A1 B0 A2 B1 ... B(n-1), on across heads.

    Scratch blocks take turns, on across heads where these share one area (stride 0).

    Blocks of attention have no columns beyond the last key that one of their rows sees.

    Gates: a WAIT flag holds an operand back until all writes of earlier jobs are performed. Two
    gates are finer. Logits come back row by row, as soon as a row is written. And X of a linear
    job with WAIT_X that is exactly Y of the job before, with the same blocks, is fetched row by
    row as well: row r once the last column group of row r is written. Once all earlier jobs are
    performed, products carry no such gates any more: a job may be longer than positions reach.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    job : In(stream of 1024 bits), good descriptors; copied when taken
    performed : In; all writes before this position are performed
    ended : Out(Ended)
    product : Out(stream of Product)

    Timing
    ------
    Three cycles from `job` to the first product of a linear job of one block, one more for a
    table, two more for attention and up to 9 more for several blocks; two to four from one block
    to the next.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "job": In(stream.Signature(DESCRIPTOR_BITS)),
                "performed": In(POSITION_BITS),
                "ended": Out(Ended()),
                "product": Out(stream.Signature(Product(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        engine = self._config.engine
        tile, address = engine.tile, self._config.tcdm.addr_width
        unit_bits = engine.units.bit_length() - 1
        descriptor = Signal(DESCRIPTOR_BITS)
        self._d = d = data.View(Descriptor(), descriptor)
        fresh = data.View(Descriptor(), self.job.payload)
        self._attention = attention = d.kind == Kind.ATTENTION
        norm = d.kind == Kind.LAYERNORM
        interleaved = norm | (d.blocks == 2)
        shared = d.s_head_stride == 0  # the scratch area, by all heads
        m.submodules.balance = balance = BlockRows(tile=tile)
        m.submodules.sight = self._sight = sight = BlockSight()

        # Where the walk is.
        self._block_rows = block_rows = Signal(range(tile + 1))
        self._rows = rows = Signal.like(block_rows)  # of this block
        self._row = row = Signal(SIZE_BITS)
        rows_left = Signal(SIZE_BITS)
        heads_left = Signal(SIZE_BITS)
        last_block = Signal()
        self._turn = turn = Signal(TURN_BITS)
        scratch_turn = Signal()
        self._table_bank = table_bank = Signal()
        self._strides = strides = {n: d[f"{n}_row_stride"][:address] for n in OPERANDS}
        self._heads = heads = {n: Signal(address, name=f"{n}_head") for n in OPERANDS}
        self._blocks = blocks = {n: Signal(address, name=f"{n}_block") for n in "xrys"}
        scratch_step = Signal(address)
        entries_head = Signal(word_bits(self._config))
        self._entries = entries = Signal.like(entries_head)
        second = Signal(Product(self._config))
        have_second = Signal()

        # Positions: after all products so far, and at the job's start; of the job before.
        position = Signal(POSITION_BITS)
        self._start = start = Signal(POSITION_BITS)
        last_start = Signal(POSITION_BITS)  # before the last product so far
        after_logits = Signal(POSITION_BITS)
        ahead = Signal(signed(POSITION_BITS))
        self._waits = waits = Signal()  # earlier jobs have writes that are not performed
        m.d.comb += ahead.eq(self.performed - start)
        with m.If(ahead >= 0):
            m.d.sync += waits.eq(0)
        self._before = before = Signal(
            data.StructLayout(
                {
                    "known": 1,
                    "y": address,
                    "stride": address,
                    "rows": SIZE_BITS,
                    "block_rows": block_rows.shape(),
                    "last_start": POSITION_BITS,
                }
            )
        )
        product = self.product.payload
        taken = self.product.valid & self.product.ready
        groups = Signal(SIZE_BITS + 1 - unit_bits)
        after = Signal(POSITION_BITS)  # the product that is offered
        writes = (product.phase != Phase.STATISTICS) & (product.load != Load.TABLE)
        m.d.comb += [
            groups.eq((product.columns + (engine.units - 1)) >> unit_bits),
            after.eq(position + groups * product.rows),
            balance.rows.eq(d.rows),
            sight.row.eq(row),
            sight.rows.eq(rows),
            sight.mask.kv_length.eq(d.kv_length),
            sight.mask.causal.eq(d.mask_mode == MaskMode.CAUSAL),
            sight.mask.offset.eq(d.mask_offset),
        ]
        base = Signal(product.shape())
        m.d.comb += [*self._base(base), product.eq(base)]
        with m.If(taken & writes):
            m.d.sync += [position.eq(after), last_start.eq(position)]

        last_of_job = Signal()
        self._follows = follows = Signal()
        m.d.comb += last_of_job.eq(last_block & (heads_left == 1))

        def begin_block(left):
            """Set what the row count of the next block depends on."""
            last = left <= block_rows
            return [rows_left.eq(left), last_block.eq(last), rows.eq(Mux(last, left, block_rows))]

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.job.ready.eq(1)
                m.d.sync += [
                    descriptor.eq(self.job.payload),
                    heads_left.eq(fresh.heads),
                    *(heads[n].eq(fresh[f"{n}_base"]) for n in heads),
                    entries_head.eq(fresh.param_base >> 3),
                    start.eq(position),
                    scratch_turn.eq(0),
                ]
                with m.If(self.job.valid):
                    m.d.sync += waits.eq(1)
                    m.d.sync += table_bank.eq(table_bank ^ fresh.use_table)
                    m.next = "PREPARE"
            with m.State("PREPARE"):
                m.d.sync += [
                    block_rows.eq(d.rows),
                    scratch_step.eq(Mux(d.blocks == 2, strides["s"] * d.block_rows[:8], 0)),
                ]
                m.next = "HEAD"
                with m.If(d.use_table):
                    m.next = "TABLE"
                with m.If(attention):
                    m.d.sync += block_rows.eq(d.block_rows)
                with m.Elif(norm):
                    m.d.sync += block_rows.eq(min(NORM_ROWS, tile))
                with m.Elif(d.rows > tile):
                    m.d.comb += balance.start.eq(1)
                    m.next = "BALANCE"
            with m.State("BALANCE"):
                m.d.sync += block_rows.eq(balance.block_rows)
                with m.If(balance.done):
                    m.next = "HEAD"
                    with m.If(d.use_table):
                        m.next = "TABLE"
            with m.State("TABLE"):
                m.d.comb += [
                    self.product.valid.eq(1),
                    product.load.eq(Load.TABLE),
                    product.load_word.eq(d.table_base >> 3),
                ]
                with m.If(self.product.ready):
                    m.next = "HEAD"
            with m.State("HEAD"):
                m.d.sync += [
                    *(blocks[n].eq(heads[n]) for n in "xry"),
                    blocks["s"].eq(heads["s"] + Mux(scratch_turn & shared, scratch_step, 0)),
                    scratch_turn.eq(scratch_turn & shared),
                    entries.eq(entries_head),
                    row.eq(0),
                    *begin_block(d.rows[:SIZE_BITS]),
                    follows.eq(self._x_follows(before)),
                ]
                m.next = "BLOCK"
                with m.If(attention):
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.next = "SEE"
            with m.State("SEE"):
                m.next = "BLOCK"
            with m.State("BLOCK"):
                m.d.comb += self.product.valid.eq(1)
                m.d.comb += product.table_release.eq(d.use_table & last_of_job & ~norm)
                with m.Switch(d.kind):
                    with m.Case(Kind.ATTENTION):
                        m.d.comb += self._logits(product)
                    with m.Case(Kind.LAYERNORM):
                        m.d.comb += [product.phase.eq(Phase.STATISTICS), product.load.eq(Load.NONE)]
                    with m.Case(Kind.LINEAR):
                        m.d.comb += self._linear(product, last_block)
                    with m.Default():
                        m.d.comb += self._direct(product)
                with m.If(self.product.ready):
                    m.d.sync += after_logits.eq(after)
                    m.next = "NEXT"
                    with m.If(attention | norm):
                        m.next = "SAVE"
                        with m.If(have_second):
                            m.next = "SECOND"
            with m.State("SECOND"):
                m.d.comb += [self.product.valid.eq(1), product.eq(second)]
                with m.If(self.product.ready):
                    m.next = "SAVE"
            with m.State("SAVE"):
                m.d.sync += [
                    have_second.eq(1),
                    turn.eq(turn + 1),
                    scratch_turn.eq(~scratch_turn),
                ]
                m.d.sync += second.eq(base)
                with m.If(attention):
                    m.d.sync += self._values(second, after_logits)
                with m.Else():
                    m.d.sync += self._direct(second)
                m.next = "NEXT"
                with m.If(~interleaved | last_of_job):
                    m.next = "FLUSH"
            with m.State("FLUSH"):
                m.d.comb += [
                    self.product.valid.eq(1),
                    product.eq(second),
                    product.table_release.eq(d.use_table & last_of_job),
                ]
                with m.If(self.product.ready):
                    m.d.sync += have_second.eq(0)
                    m.next = "NEXT"
            with m.State("NEXT"):
                m.d.sync += [
                    *(blocks[n].eq(blocks[n] + strides[n] * rows) for n in "xry"),
                    blocks["s"].eq(heads["s"] + Mux(scratch_turn, scratch_step, 0)),
                    row.eq(row + rows),
                    *begin_block(rows_left - rows),
                ]
                with m.If(d.param_mode == ParamMode.ROW):
                    m.d.sync += entries.eq(entries + rows * PARAMETER.words)
                m.next = "BLOCK"
                with m.If(attention):
                    m.next = "LOOK"
                with m.If(last_block):
                    m.d.sync += [
                        heads_left.eq(heads_left - 1),
                        *(heads[n].eq(heads[n] + d[f"{n}_head_stride"]) for n in heads),
                        entries_head.eq(entries_head + self._head_words(m)),
                    ]
                    m.next = "HEAD"
                with m.If(last_of_job):
                    m.d.comb += [self.ended.valid.eq(1), self.ended.position.eq(position)]
                    m.d.sync += [
                        before.known.eq(attention | (d.kind == Kind.LINEAR)),
                        before.y.eq(d.y_base),
                        before.stride.eq(strides["y"]),
                        before.rows.eq(d.rows),
                        before.block_rows.eq(block_rows),
                        before.last_start.eq(last_start),
                    ]
                    m.next = "IDLE"
        return m

    def _x_follows(self, before):
        """Whether X is Y of the job before, row by row."""
        d = self._d
        return (
            before.known
            & (d.kind == Kind.LINEAR)
            & (d.heads == 1)
            & (d.x_base[: len(before.y)] == before.y)
            & (self._strides["x"] == before.stride)
            & (d.inner <= d.x_row_stride)
            & (d.rows == before.rows)
            & (self._block_rows == before.block_rows)
        )

    def _base(self, product):
        """Set what all products of a block have in common: operands, modes, plain gates."""
        d, blocks, strides = self._d, self._blocks, self._strides
        by_row = d.param_mode == ParamMode.ROW
        copy = d.kind == Kind.COPY
        join = Mux(d.use_residual, Join.RESIDUAL, Mux(d.accumulate, Join.ACCUMULATE, Join.NONE))
        raw = copy | (d.y_type == ElementType.INT32)
        return [
            *(product[n].eq(blocks[n]) for n in "xry"),
            product.w.eq(self._heads["w"]),
            *(product[f"{n}_stride"].eq(strides[n]) for n in "xwry"),
            *(product[f"{n}_gate"].wait.eq(d[f"wait_{n}"] & self._waits) for n in "xwrp"),
            *(product[f"{n}_gate"].position.eq(self._start) for n in "xwrp"),
            product.rows.eq(self._rows),
            product.columns.eq(d.columns),
            product.inner.eq(d.inner),
            product.row.eq(self._row),
            product.turn.eq(self._turn),
            product.load.eq(Mux(raw, Load.NONE, Load.ENTRIES)),
            product.load_word.eq(self._entries),
            product.load_count.eq(Mux(by_row, self._rows, 1)),
            product.each_tile.eq(d.param_mode == ParamMode.COLUMN),
            product.x_type.eq(d.x_type),
            product.y_type.eq(d.y_type),
            product.r_type.eq(d.r_type),
            product.raw.eq(raw),
            product.join.eq(Mux(copy, Join.NONE, join)),
            product.param_mode.eq(d.param_mode),
            product.use_table.eq(d.use_table),
            product.table_bank.eq(self._table_bank),
            product.mask.eq(self._sight.mask),
        ]

    def _linear(self, product, last_block):
        """Set what a linear product has of its own: the gate of an X that follows row by row."""
        before, gate = self._before, product.x_gate
        position = Mux(last_block, self._start - self._rows, before.last_start)
        follows = self._follows
        return [
            product.phase.eq(Phase.LINEAR),
            gate.by_row.eq(follows & last_block),
            gate.position.eq(Mux(follows, position, self._start)),
        ]

    def _logits(self, product):
        """Set what is different for the logits of a block: they go to its scratch block."""
        return [
            product.phase.eq(Phase.LOGITS),
            product.y.eq(self._blocks["s"]),
            product.y_stride.eq(self._strides["s"]),
            product.columns.eq(self._sight.keys),
            product.load.eq(Load.HEAD),
        ]

    def _values(self, product, after_logits):
        """Set what is different for exponentials times V: the logits come back row by row."""
        return [
            product.phase.eq(Phase.VALUES),
            product.x.eq(self._blocks["s"]),
            product.x_stride.eq(self._strides["s"]),
            product.w.eq(self._heads["r"]),
            product.w_stride.eq(self._strides["r"]),
            product.columns.eq(self._d.inner),
            product.inner.eq(self._sight.keys),
            product.load.eq(Load.MASSES),
            product.load_count.eq(self._rows),
            product.each_tile.eq(0),
            product.param_mode.eq(ParamMode.ROW),
            product.x_gate.wait.eq(1),
            product.x_gate.by_row.eq(1),
            product.x_gate.position.eq(after_logits - self._rows),
            product.w_gate.wait.eq(self._d.wait_r & self._waits),
        ]

    def _direct(self, product):
        """Set what is different for elements that go past the array."""
        return [
            product.phase.eq(Phase.DIRECT),
            product.normalise.eq(self._d.kind == Kind.LAYERNORM),
        ]

    def _head_words(self, m):
        """Return the words of parameters of one head."""
        d = self._d
        words = Signal(SIZE_BITS + 1)
        with m.If(self._attention):
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
