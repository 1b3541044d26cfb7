"""The engine's streamers and datapath, joined: everything that works on one job."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.datapath.accumulator import Accumulator
from hw.attention.datapath.array import DotArray
from hw.attention.datapath.epilogue import Epilogue
from hw.attention.datapath.issue import Issue
from hw.attention.queue import Queue
from hw.attention.softmax.exponential import Exponential
from hw.attention.softmax.row_maximum import RowMaximum
from hw.attention.steps import (
    DESCRIPTOR_BITS,
    Descriptor,
    InputStep,
    IssueStep,
    Mask,
    OutputStep,
    ParameterStep,
    RowAnswer,
    RowCommand,
    WeightStep,
    WordWrite,
    word_bits,
)
from hw.attention.streams.loader import InputLoader
from hw.attention.streams.parameters import ParameterUnit
from hw.attention.streams.reader import RowReader
from hw.attention.streams.tile import TileBuffer
from hw.attention.streams.weights import WeightLoader
from hw.attention.streams.writer import Writer
from hw.attention.walk.sequencer import Sequencer
from hw.attention.walk.walker import Walker
from hw.config import ClusterConfig
from hw.regmap import ElementType, Kind, MaskMode, ParamMode

STEPS_WAITING = 2


class Pipeline(wiring.Component):
    """Runs good descriptors; reads and writes for the engine's control on the side.

    Ports 0 to `row_words` - 1 read inputs, and what the control asks for; the other half reads
    weights, parameters and tables. Outputs go to all.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    descriptor : In(1024 bits), held from `start` until `done`
    start : In, one cycle
    done : Out; the job's products are out and every write was performed
    written : Out; every write was performed, `word`'s too
    command, row : In(stream of RowCommand), Out(RowAnswer): reads of the control
    word : In(stream of WordWrite): writes of the control, while no job runs
    read, data, write : reads' addresses, their answers, and writes, for each port
    writing : In; a port has writes that are not performed

    Timing
    ------
    See the components. Reset it (and clear the ports) to end a job early.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        ports = config.engine.ports
        super().__init__(
            {
                "descriptor": In(DESCRIPTOR_BITS),
                "start": In(1),
                "done": Out(1),
                "written": Out(1),
                "command": In(stream.Signature(RowCommand(config))),
                "row": Out(RowAnswer(config)),
                "word": In(stream.Signature(WordWrite(config))),
                "read": Out(stream.Signature(word_bits(config))).array(ports),
                "data": In(stream.Signature(64)).array(ports),
                "write": Out(stream.Signature(WordWrite(config))).array(ports),
                "writing": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, engine = self._config, self._config.engine
        d = data.View(Descriptor(), self.descriptor)
        mask = Signal(Mask)
        m.d.comb += [
            mask.kv_length.eq(d.kv_length),
            mask.causal.eq(d.mask_mode == MaskMode.CAUSAL),
            mask.offset.eq(d.mask_offset),
        ]

        # Control: products, and the steps that they are cut into.
        m.submodules.sequencer = sequencer = Sequencer(config=config)
        m.submodules.walker = walker = Walker(config=config)
        connect(m, sequencer.product, walker.product)
        m.d.comb += [
            sequencer.descriptor.eq(self.descriptor),
            sequencer.start.eq(self.start),
            walker.unsigned.eq(d.x_type == ElementType.UINT8),
            walker.y_type.eq(d.y_type),
        ]

        # Streamers.
        m.submodules.input_reader = input_reader = RowReader(config=config, clients=2)
        m.submodules.weight_reader = weight_reader = RowReader(config=config, clients=2)
        m.submodules.loader = loader = InputLoader(config=config)
        m.submodules.weights = weights = WeightLoader(config=config)
        m.submodules.parameters = parameters = ParameterUnit(config=config)
        m.submodules.writer = writer = Writer(config=config)
        connect(m, flipped(self.command), input_reader.command[0])
        connect(m, loader.command, input_reader.command[1])
        connect(m, parameters.command, weight_reader.command[1])
        connect(m, weights.command, weight_reader.command[0])
        connect(m, flipped(self.row), input_reader.row[0])
        connect(m, input_reader.row[1], loader.row)
        connect(m, weight_reader.row[1], parameters.row)
        connect(m, weight_reader.row[0], weights.row)
        for port in range(engine.ports):
            reader = input_reader if port < engine.row_words else weight_reader
            connect(m, flipped(self.read[port]), reader.read[port % engine.row_words])
            connect(m, flipped(self.data[port]), reader.data[port % engine.row_words])
            connect(m, flipped(self.write[port]), writer.write[port])
        connect(m, flipped(self.word), writer.word)

        # Datapath.
        m.submodules.exponential = exponential = Exponential(config=engine)
        m.submodules.tile = tile = TileBuffer(config=engine)
        m.submodules.issue = issue = Issue(config=config)
        m.submodules.array = array = DotArray(config=engine)
        m.submodules.accumulator = accumulator = Accumulator(config=engine)
        m.submodules.epilogue = epilogue = Epilogue(config=engine)
        m.submodules.row_maximum = row_maximum = RowMaximum(config=engine)
        connect(m, loader.o, exponential.i)
        connect(m, exponential.o, tile.i)
        connect(m, issue.o, array.i)
        connect(m, array.o, accumulator.i)
        connect(m, accumulator.o, epilogue.i)
        connect(m, epilogue.o, writer.i)
        connect(m, parameters.entry, epilogue.entry)
        connect(m, parameters.table, epilogue.table)
        connect(m, writer.logits, row_maximum.update)

        for name, shape, user in (
            ("input", InputStep(config), loader),
            ("weight", WeightStep(config), weights),
            ("issue", IssueStep(config), issue),
            ("parameter", ParameterStep(config), parameters),
            ("output", OutputStep(config), writer),
        ):
            queue = Queue(shape, depth=STEPS_WAITING)
            m.submodules[f"{name}_steps"] = queue
            connect(m, getattr(walker, name), queue.i)
            connect(m, queue.o, user.step)

        m.d.comb += [
            loader.mask.eq(mask),
            loader.release.eq(issue.release),
            exponential.enable.eq(loader.softmax),
            exponential.accumulate.eq(loader.accumulate),
            exponential.keep.eq(loader.keep),
            exponential.j.eq(parameters.j),
            exponential.clear.eq(walker.clear_masses),
            exponential.mass_row.eq(parameters.mass_row),
            row_maximum.row.eq(loader.o.payload.row),
            exponential.maximum.eq(row_maximum.maximum),
            row_maximum.clear.eq(walker.clear_maxima),
            parameters.mass.eq(exponential.mass),
            issue.filled.eq(tile.filled),
            tile.enable.eq(issue.enable),
            tile.row.eq(issue.row),
            tile.release.eq(issue.release),
            issue.data.eq(tile.data),
            issue.full.eq(weights.full),
            weights.swap.eq(issue.swap),
            array.weights.eq(weights.weights),
            issue.token.eq(parameters.token),
            parameters.token_take.eq(issue.token_take),
            parameters.tile_done.eq(writer.tile_done),
            epilogue.y_type.eq(d.y_type),
            epilogue.use_table.eq(d.use_table),
            writer.y_type.eq(d.y_type),
            writer.mask.eq(mask),
            self.written.eq(writer.idle & ~self.writing),
            walker.drained.eq(self.written),
            self.done.eq(sequencer.idle & ~self.start & self.written),
        ]
        # Attention's products take turns: only A.V has parameters for each row.
        in_values = Signal()
        with m.If(walker.clear_masses | walker.clear_maxima):
            m.d.sync += in_values.eq(walker.clear_masses)
        attention_mode = Mux(in_values, ParamMode.ROW, ParamMode.HEAD)
        m.d.comb += epilogue.param_mode.eq(
            Mux(d.kind == Kind.ATTENTION, attention_mode, d.param_mode)
        )
        # The masses are whole once the last rows that add to them have gone through.
        all_sent = Signal()
        with m.If(loader.summed):
            m.d.sync += all_sent.eq(1)
        with m.Elif(parameters.masses_used):
            m.d.sync += all_sent.eq(0)
        m.d.comb += parameters.masses_ready.eq(all_sent & exponential.idle)
        return m
