"""The walker: cuts a product into tile steps."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import (
    SIZE_BITS,
    ElementStep,
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
from hw.attention.types import EpilogueStep, Join
from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import PARAMETER, ElementType


def _element_log(element):
    """Return log2 of the bytes of an ElementType."""
    return Mux(element == ElementType.INT32, 2, element == ElementType.INT16)


class Walker(wiring.Component):
    """Goes through a product's column tiles, in each of them through its inner tiles.

    Each tile step goes to the input loader, the weight loader and the issue stage at once; the
    first of a column tile also to the parameter unit, the epilogue, the residual loader and the
    writer. Each of these works through its own queue of steps at its own pace. Where the inner
    size is one tile, the input tile is fetched once and kept for all column tiles.

    A DIRECT product's column tiles go to the direct loader instead, STATISTICS is one step.

    The parameter buffers take turns: each load goes to the other one, which is released by the
    last tile that uses it.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    product : In(stream of Product); taken when its last step is out
    input, weight, issue, parameter, epilogue, output : Out(stream of steps)
    direct, residual, statistics : Out(stream of ElementStep)

    Timing
    ------
    One tile step a cycle while all queues have room, one cycle more a product. Valid of the
    outgoing streams depends combinationally on their ready: connect them to queues.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        elements = stream.Signature(ElementStep(config))
        super().__init__(
            {
                "product": In(stream.Signature(Product(config))),
                "input": Out(stream.Signature(InputStep(config))),
                "weight": Out(stream.Signature(WeightStep(config))),
                "issue": Out(stream.Signature(IssueStep(config))),
                "parameter": Out(stream.Signature(ParameterStep(config))),
                "epilogue": Out(stream.Signature(EpilogueStep(config.engine))),
                "output": Out(stream.Signature(OutputStep(config))),
                "direct": Out(elements),
                "residual": Out(elements),
                "statistics": Out(elements),
            }
        )

    def elaborate(self, platform):
        m = Module()
        tile = self._config.engine.tile
        tile_words = tile // WORD_BYTES
        product = self.product.payload
        matrix = (
            (product.phase == Phase.LINEAR)
            | (product.phase == Phase.LOGITS)
            | (product.phase == Phase.VALUES)
        )
        values = product.phase == Phase.VALUES
        direct = product.phase == Phase.DIRECT

        # Where the walk is: the column tile and the inner tile.
        columns_left = Signal(SIZE_BITS)
        inner_left = Signal(SIZE_BITS)
        column = Signal(SIZE_BITS)
        inner = Signal(SIZE_BITS)
        words = {n: Signal(word_bits(self._config), name=f"{n}_word") for n in "xwry"}
        w_tile = Signal.like(words["w"])
        parameter_word = Signal.like(words["w"])
        bank = Signal()
        columns = Signal(range(tile + 1))
        lanes = Signal(range(tile + 1))
        first = Signal()
        last = Signal()
        first_column = Signal()
        last_column = Signal()
        one_inner = Signal()
        m.d.comb += [
            columns.eq(Mux(columns_left > tile, tile, columns_left)),
            lanes.eq(Mux(inner_left > tile, tile, inner_left)),
            first.eq(inner == 0),
            last.eq((inner_left <= tile) | ~matrix),
            first_column.eq(column == 0),
            last_column.eq(columns_left <= tile),
            one_inner.eq(product.inner <= tile),
        ]

        # Who gets a step.
        stepping = Signal()
        begins = first & (product.phase != Phase.STATISTICS)  # a tile of outputs
        loads = begins & (product.load != Load.NONE) & (product.each_tile | first_column)
        for_whom = {
            "input": matrix & (first_column | ~one_inner),
            "weight": matrix,
            "issue": matrix,
            "parameter": loads,
            "epilogue": begins,
            "output": begins,
            "direct": direct,
            "residual": begins & (product.join != Join.NONE),
            "statistics": product.phase == Phase.STATISTICS,
        }
        wanted = Signal(len(for_whom))
        ready = Signal(len(for_whom))
        fire = Signal()
        m.d.comb += [
            wanted.eq(Cat(for_whom.values())),
            ready.eq(Cat(getattr(self, name).ready for name in for_whom)),
            fire.eq(stepping & (~wanted | ready).all()),
            *(
                getattr(self, name).valid.eq(fire & wanted[number])
                for number, name in enumerate(for_whom)
            ),
        ]

        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [
                    columns_left.eq(product.columns),
                    inner_left.eq(product.inner),
                    column.eq(0),
                    inner.eq(0),
                    *(words[n].eq(product[n] >> 3) for n in words),
                    w_tile.eq(product.w >> 3),
                    parameter_word.eq(product.load_word),
                ]
                with m.If(self.product.valid):
                    m.next = "STEP"
                    with m.If(product.load == Load.TABLE):
                        m.next = "TABLE"
            with m.State("TABLE"):
                m.d.comb += [
                    self.parameter.valid.eq(1),
                    self.product.ready.eq(self.parameter.ready),
                ]
                with m.If(self.parameter.ready):
                    m.next = "IDLE"
            with m.State("STEP"):
                m.d.comb += stepping.eq(1)
                with m.If(fire):
                    with m.If(~last):
                        m.d.sync += [
                            inner.eq(inner + tile),
                            inner_left.eq(inner_left - tile),
                            words["x"].eq(words["x"] + tile_words),
                            words["w"].eq(words["w"] + tile_words),
                        ]
                    with m.Else():
                        next_w_tile = w_tile + (product.w_stride >> 3) * tile
                        x_step = Mux(direct, tile_words << _element_log(product.x_type), 0)
                        m.d.sync += [
                            inner.eq(0),
                            inner_left.eq(product.inner),
                            words["x"].eq(Mux(direct, words["x"], product.x >> 3) + x_step),
                            w_tile.eq(next_w_tile),
                            words["w"].eq(next_w_tile),
                            words["r"].eq(
                                words["r"] + (tile_words << _element_log(product.r_type))
                            ),
                            words["y"].eq(
                                words["y"] + (tile_words << _element_log(product.y_type))
                            ),
                            column.eq(column + tile),
                            columns_left.eq(columns_left - tile),
                        ]
                        with m.If(product.each_tile):
                            m.d.sync += parameter_word.eq(
                                parameter_word + columns * PARAMETER.words
                            )
                        with m.If(
                            (product.load != Load.NONE)
                            & (product.each_tile | last_column)
                            & (product.phase != Phase.STATISTICS)
                        ):
                            m.d.sync += bank.eq(~bank)
                        with m.If(last_column | (product.phase == Phase.STATISTICS)):
                            m.d.comb += self.product.ready.eq(1)
                            m.next = "IDLE"

        is_table = product.load == Load.TABLE
        m.d.comb += [
            self.input.payload.word.eq(words["x"]),
            self.input.payload.stride.eq(product.x_stride >> 3),
            self.input.payload.rows.eq(product.rows),
            self.input.payload.lanes.eq(lanes),
            self.input.payload.gate.eq(product.x_gate),
            self.input.payload.softmax.eq(values),
            self.input.payload.accumulate.eq(values & first_column),
            self.input.payload.first_sum.eq(first),
            self.input.payload.sums_up.eq(values & first_column & last),
            self.input.payload.turn.eq(product.turn),
            self.input.payload.row.eq(product.row),
            self.input.payload.key.eq(inner),
            self.input.payload.mask.eq(product.mask),
            self.weight.payload.word.eq(words["w"]),
            self.weight.payload.stride.eq(product.w_stride >> 3),
            self.weight.payload.columns.eq(columns),
            self.weight.payload.words.eq((lanes + 7) >> 3),
            self.weight.payload.gate.eq(product.w_gate),
            self.issue.payload.rows.eq(product.rows),
            self.issue.payload.columns.eq(columns),
            self.issue.payload.first.eq(first),
            self.issue.payload.last.eq(last),
            self.issue.payload.unsigned.eq(values | (product.x_type == ElementType.UINT8)),
            self.issue.payload.keep.eq(one_inner & ~last_column),
            self.parameter.payload.load.eq(product.load),
            self.parameter.payload.word.eq(parameter_word),
            self.parameter.payload.count.eq(Mux(product.each_tile, columns, product.load_count)),
            self.parameter.payload.bank.eq(Mux(is_table, product.table_bank, bank)),
            self.parameter.payload.turn.eq(product.turn),
            self.parameter.payload.gate.eq(product.p_gate),
            self.epilogue.payload.rows.eq(product.rows),
            self.epilogue.payload.columns.eq(columns),
            self.epilogue.payload.direct.eq(direct),
            self.epilogue.payload.raw.eq(product.raw),
            self.epilogue.payload.y_type.eq(product.y_type),
            self.epilogue.payload.join.eq(product.join),
            self.epilogue.payload.param_mode.eq(product.param_mode),
            self.epilogue.payload.bank.eq(bank),
            self.epilogue.payload.release.eq(~product.raw & (product.each_tile | last_column)),
            self.epilogue.payload.use_table.eq(product.use_table),
            self.epilogue.payload.table_bank.eq(product.table_bank),
            self.epilogue.payload.table_release.eq(product.table_release & last_column),
            self.output.payload.word.eq(words["y"]),
            self.output.payload.stride.eq(product.y_stride >> 3),
            self.output.payload.rows.eq(product.rows),
            self.output.payload.columns.eq(columns),
            self.output.payload.y_type.eq(product.y_type),
            self.output.payload.by_row.eq(direct),
            self.output.payload.logits.eq(product.phase == Phase.LOGITS),
            self.output.payload.turn.eq(product.turn),
            self.output.payload.row.eq(product.row),
            self.output.payload.key.eq(column),
            self.output.payload.mask.eq(product.mask),
        ]
        for loader, operand, element in (
            (self.direct, "x", product.x_type),
            (self.residual, "r", product.r_type),
            (self.statistics, "x", product.x_type),
        ):
            whole = loader is self.statistics
            m.d.comb += [
                loader.payload.word.eq(words[operand]),
                loader.payload.stride.eq(product[f"{operand}_stride"] >> 3),
                loader.payload.rows.eq(product.rows),
                loader.payload.columns.eq(product.columns if whole else columns),
                loader.payload.type.eq(element),
                loader.payload.by_row.eq(1 if whole else direct),
                loader.payload.normalise.eq(product.normalise & (not whole)),
                loader.payload.release.eq(1 if whole else product.normalise & last_column),
                loader.payload.gate.eq(product[f"{operand}_gate"]),
            ]
        return m
