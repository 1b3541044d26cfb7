"""The walker: cuts a product into tile steps."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import (
    SIZE_BITS,
    InputStep,
    IssueStep,
    Load,
    OutputStep,
    ParameterStep,
    Phase,
    Product,
    WeightStep,
    word_bits,
)
from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import PARAMETER, ElementType


class Walker(wiring.Component):
    """Goes through a product's column tiles, in each of them through its inner tiles.

    Each tile step goes to the input loader, the weight loader and the issue stage at once; the
    first of a column tile also to the parameter unit and the writer. Each of these works through
    its own queue of steps at its own pace.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    product : In(stream of Product); taken when its last step is out
    unsigned : In; linear: X is uint8
    y_type : In(ElementType)
    drained : In; nothing is under way behind this
    clear_maxima, clear_masses : Out, one cycle: a product begins that finds them anew
    input, weight, issue, parameter, output : Out(stream of steps)

    Timing
    ------
    One tile step a cycle while all queues have room. Valid of the outgoing streams depends
    combinationally on their ready: connect them to queues.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "product": In(stream.Signature(Product(config))),
                "unsigned": In(1),
                "y_type": In(ElementType),
                "drained": In(1),
                "clear_maxima": Out(1),
                "clear_masses": Out(1),
                "input": Out(stream.Signature(InputStep(config))),
                "weight": Out(stream.Signature(WeightStep(config))),
                "issue": Out(stream.Signature(IssueStep(config))),
                "parameter": Out(stream.Signature(ParameterStep(config))),
                "output": Out(stream.Signature(OutputStep(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        tile = self._config.engine.tile
        product = self.product.payload
        is_table = product.load == Load.TABLE

        # Where the walk is: the column tile and the inner tile.
        columns_left = Signal(SIZE_BITS)
        inner_left = Signal(SIZE_BITS)
        column = Signal(SIZE_BITS)
        inner = Signal(SIZE_BITS)
        x_word = Signal(word_bits(self._config))
        w_tile = Signal.like(x_word)
        w_word = Signal.like(x_word)
        y_word = Signal.like(x_word)
        parameter_word = Signal.like(x_word)
        load = Signal(Load)
        columns = Signal(range(tile + 1))
        lanes = Signal(range(tile + 1))
        first = Signal()
        last = Signal()
        last_column = Signal()
        m.d.comb += [
            columns.eq(Mux(columns_left > tile, tile, columns_left)),
            lanes.eq(Mux(inner_left > tile, tile, inner_left)),
            first.eq(inner == 0),
            last.eq(inner_left <= tile),
            last_column.eq(columns_left <= tile),
        ]

        fire = Signal()
        room = (
            self.input.ready
            & self.weight.ready
            & self.issue.ready
            & ((self.parameter.ready & self.output.ready) | ~first)
        )
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.product.valid & (~product.drain | self.drained)):
                    with m.If(is_table):
                        m.d.comb += self.product.ready.eq(self.parameter.ready)
                    with m.Else():
                        m.d.comb += [
                            self.clear_maxima.eq(product.phase == Phase.LOGITS),
                            self.clear_masses.eq(product.phase == Phase.VALUES),
                        ]
                        m.d.sync += [
                            columns_left.eq(product.columns),
                            inner_left.eq(product.inner),
                            column.eq(0),
                            inner.eq(0),
                            x_word.eq(product.x >> 3),
                            w_tile.eq(product.w >> 3),
                            w_word.eq(product.w >> 3),
                            y_word.eq(product.y >> 3),
                            parameter_word.eq(product.load_word),
                            load.eq(product.load),
                        ]
                        m.next = "STEP"
            with m.State("STEP"):
                m.d.comb += fire.eq(room)
                with m.If(fire):
                    self._advance(
                        m,
                        last,
                        inner=(inner, inner_left, x_word, w_word),
                        column=(column, columns_left, w_tile, y_word),
                    )
                    with m.If(last & ~last_column):
                        m.d.sync += parameter_word.eq(parameter_word + columns * PARAMETER.words)
                        with m.If(~product.each_tile):
                            m.d.sync += load.eq(Load.KEEP)
                    with m.If(last & last_column):
                        m.d.comb += self.product.ready.eq(1)
                        m.next = "IDLE"

        values = product.phase == Phase.VALUES
        m.d.comb += [
            self.input.valid.eq(fire),
            self.input.payload.word.eq(x_word),
            self.input.payload.stride.eq(product.x_stride >> 3),
            self.input.payload.rows.eq(product.rows),
            self.input.payload.lanes.eq(lanes),
            self.input.payload.softmax.eq(values),
            self.input.payload.accumulate.eq(values & (column == 0)),
            self.input.payload.sums_up.eq(values & (column == 0) & last),
            self.input.payload.row.eq(product.row),
            self.input.payload.key.eq(inner),
            self.weight.valid.eq(fire),
            self.weight.payload.word.eq(w_word),
            self.weight.payload.stride.eq(product.w_stride >> 3),
            self.weight.payload.columns.eq(columns),
            self.weight.payload.words.eq((lanes + 7) >> 3),
            self.issue.valid.eq(fire),
            self.issue.payload.rows.eq(product.rows),
            self.issue.payload.columns.eq(columns),
            self.issue.payload.first.eq(first),
            self.issue.payload.last.eq(last),
            self.issue.payload.unsigned.eq(self.unsigned | values),
            self.parameter.valid.eq((fire & first) | (self.product.ready & is_table)),
            self.parameter.payload.load.eq(Mux(is_table, Load.TABLE, load)),
            self.parameter.payload.word.eq(Mux(is_table, product.load_word, parameter_word)),
            self.parameter.payload.count.eq(Mux(product.each_tile, columns, product.load_count)),
            self.output.valid.eq(fire & first),
            self.output.payload.word.eq(y_word),
            self.output.payload.stride.eq(product.y_stride >> 3),
            self.output.payload.rows.eq(product.rows),
            self.output.payload.columns.eq(columns),
            self.output.payload.logits.eq(product.phase == Phase.LOGITS),
            self.output.payload.row.eq(product.row),
            self.output.payload.key.eq(column),
        ]
        return m

    def _advance(self, m, last, *, inner, column):
        """Go to the next inner tile or, after the last one, to the next column tile."""
        tile = self._config.engine.tile
        product = self.product.payload
        inner, inner_left, x_word, w_word = inner
        column, columns_left, w_tile, y_word = column
        with m.If(~last):
            m.d.sync += [
                inner.eq(inner + tile),
                inner_left.eq(inner_left - tile),
                x_word.eq(x_word + tile // WORD_BYTES),
                w_word.eq(w_word + tile // WORD_BYTES),
            ]
        with m.Else():
            next_w_tile = w_tile + (product.w_stride >> 3) * tile
            m.d.sync += [
                inner.eq(0),
                inner_left.eq(product.inner),
                x_word.eq(product.x >> 3),
                w_tile.eq(next_w_tile),
                w_word.eq(next_w_tile),
                column.eq(column + tile),
                columns_left.eq(columns_left - tile),
            ]
            with m.Switch(self.y_type):
                for element, size in ((ElementType.INT32, 4), (ElementType.INT16, 2), (None, 1)):
                    with m.Default() if element is None else m.Case(element):
                        m.d.sync += y_word.eq(y_word + size * tile // WORD_BYTES)
