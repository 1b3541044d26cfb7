"""The engine's streamers and datapath, joined: everything that works on jobs."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.datapath.accumulator import Accumulator
from hw.attention.datapath.array import DotArray
from hw.attention.datapath.epilogue import Epilogue
from hw.attention.datapath.issue import Issue
from hw.attention.norm.normalise import Normalise
from hw.attention.norm.root import Root
from hw.attention.norm.statistics import Statistics
from hw.attention.queue import Queue
from hw.attention.softmax.exponential import Exponential
from hw.attention.softmax.reciprocal import Reciprocal
from hw.attention.softmax.row_maximum import RowMaximum
from hw.attention.steps import (
    DESCRIPTOR_BITS,
    POSITION_BITS,
    RowAnswer,
    RowCommand,
    WordWrite,
    word_bits,
)
from hw.attention.streams.alternate import Alternate
from hw.attention.streams.elements import ElementLoader
from hw.attention.streams.fence import WORD_COUNT_BITS, WriteFence
from hw.attention.streams.loader import InputLoader
from hw.attention.streams.parameters import ParameterUnit
from hw.attention.streams.port import WRITES_WAITING, PortLoad
from hw.attention.streams.reader import RowReader
from hw.attention.streams.tile import TileBuffer
from hw.attention.streams.weights import WeightLoader
from hw.attention.streams.writer import Writer
from hw.attention.types import Activity
from hw.attention.walk.sequencer import Ended, Sequencer
from hw.attention.walk.walker import Walker
from hw.config import ClusterConfig

STEPS_WAITING = 2


class PortSide(wiring.Signature):
    """What the pipeline sees of one port: reads, their answers, writes, and how it is doing."""

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "read": Out(stream.Signature(word_bits(config))),
                "data": In(stream.Signature(64)),
                "write": Out(stream.Signature(WordWrite(config))),
                "pending": In(range(WRITES_WAITING + 2)),
                "performed": In(1),
                "load": In(PortLoad),
            }
        )


class Pipeline(wiring.Component):
    """Runs good descriptors, overlapped; reads and writes for the engine's control on the side.

    Ports 0 to `row_words` - 1 read input tiles, whole rows for statistics, and what the control
    asks for; the other half reads parameters and weights. Residuals and the direct path's elements
    come through both halves in turn, and outputs go to all ports.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    job : In(stream of 1024 bits), good descriptors
    ended : Out(Ended), for each job in order: its products are out
    performed : Out; writes before this position are performed
    words_done : Out; of the control's writes that many are performed, modulo 8
    command, row : In(stream of RowCommand), Out(RowAnswer): reads of the control
    word : In(stream of WordWrite): writes of the control
    port : Out(PortSide) for each port
    activity : Out(Activity), for the counters

    Timing
    ------
    See the components. Reset it (and clear the ports) to end all jobs early.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "job": In(stream.Signature(DESCRIPTOR_BITS)),
                "ended": Out(Ended()),
                "performed": Out(POSITION_BITS),
                "words_done": Out(WORD_COUNT_BITS),
                "command": In(stream.Signature(RowCommand(config))),
                "row": Out(RowAnswer(config)),
                "word": In(stream.Signature(WordWrite(config))),
                "port": Out(PortSide(config)).array(config.engine.ports),
                "activity": Out(Activity()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, engine = self._config, self._config.engine

        # Control: products, and the steps that they are cut into.
        m.submodules.sequencer = sequencer = Sequencer(config=config)
        m.submodules.walker = walker = Walker(config=config)
        connect(m, flipped(self.job), sequencer.job)
        connect(m, sequencer.product, walker.product)
        connect(m, sequencer.ended, flipped(self.ended))

        # Streamers.
        m.submodules.loader = loader = InputLoader(config=config)
        m.submodules.weights = weights = WeightLoader(config=config)
        m.submodules.parameters = parameters = ParameterUnit(config=config)
        m.submodules.direct = direct = ElementLoader(config=config)
        m.submodules.residual = residual = ElementLoader(config=config)
        m.submodules.whole_rows = whole_rows = ElementLoader(config=config)
        m.submodules.residual_reads = residual_reads = Alternate(config=config)
        m.submodules.direct_reads = direct_reads = Alternate(config=config)
        m.submodules.writer = writer = Writer(config=config)
        m.submodules.fence = fence = WriteFence(config=engine)
        for client, reads in ((residual, residual_reads), (direct, direct_reads)):
            connect(m, client.command, reads.i)
            connect(m, reads.row, client.row)
        connect(m, flipped(self.word), writer.word)
        # Readers serve the first client that asks. Parameters come last: they are rarely urgent,
        # and when they are, what they hold up leaves room for them.
        self._reader(
            m,
            "input_reader",
            self.port[: engine.row_words],
            (
                (flipped(self.command), flipped(self.row)),
                (residual_reads.command[0], residual_reads.answer[0]),
                (direct_reads.command[0], direct_reads.answer[0]),
                (loader.command, loader.row),
                (whole_rows.command, whole_rows.row),
            ),
        )
        self._reader(
            m,
            "weight_reader",
            self.port[engine.row_words :],
            (
                (residual_reads.command[1], residual_reads.answer[1]),
                (direct_reads.command[1], direct_reads.answer[1]),
                (weights.command, weights.row),
                (parameters.command, parameters.row),
            ),
        )
        for number, port in enumerate(self.port):
            connect(m, writer.write[number], flipped(port.write))
            m.d.comb += [
                writer.load[number].eq(port.load),
                fence.pending[number].eq(port.pending),
                fence.performed[number].eq(port.performed),
            ]
        m.d.comb += [
            fence.issued.eq(writer.issued),
            fence.words.eq(writer.words),
            self.performed.eq(fence.done),
            self.words_done.eq(fence.words_done),
            *(
                unit.performed.eq(fence.done)
                for unit in (sequencer, loader, weights, parameters, direct, residual, whole_rows)
            ),
        ]

        # Datapath: inputs past softmax into the tile buffer, the array, the epilogue.
        m.submodules.exponential = exponential = Exponential(config=engine)
        m.submodules.row_maximum = row_maximum = RowMaximum(config=engine)
        m.submodules.reciprocal = reciprocal = Reciprocal(config=engine)
        m.submodules.tile = tile = TileBuffer(config=engine)
        m.submodules.issue = issue = Issue(config=config)
        m.submodules.array = array = DotArray(config=engine)
        m.submodules.accumulator = accumulator = Accumulator(config=engine)
        m.submodules.epilogue = epilogue = Epilogue(config=engine)
        connect(m, loader.o, exponential.i)
        connect(m, exponential.o, tile.i)
        connect(m, exponential.mass, reciprocal.i)
        connect(m, reciprocal.o, parameters.masses)
        connect(m, issue.o, array.i)
        connect(m, array.o, accumulator.i)
        connect(m, accumulator.o, epilogue.i)
        connect(m, epilogue.o, writer.i)
        connect(m, parameters.entry, epilogue.entry)
        connect(m, parameters.table, epilogue.table)
        connect(m, writer.logits, row_maximum.update)
        m.d.comb += [
            row_maximum.bank.eq(loader.turn[0]),
            row_maximum.row.eq(loader.o.payload.row),
            exponential.maximum.eq(row_maximum.maximum),
            exponential.enable.eq(loader.softmax),
            exponential.accumulate.eq(loader.accumulate),
            exponential.first_sum.eq(loader.first_sum),
            exponential.sums_up.eq(loader.sums_up),
            exponential.keep.eq(loader.keep),
            exponential.j.eq(parameters.j[loader.turn]),
            exponential.gain.eq(parameters.gain[loader.turn]),
            loader.masses_open.eq(parameters.masses_open),
            parameters.masses_take.eq(loader.masses_take),
            loader.release.eq(issue.release),
            tile.enable.eq(issue.enable),
            tile.row.eq(issue.row),
            tile.release.eq(issue.release),
            issue.filled.eq(tile.filled),
            issue.data.eq(tile.data),
            issue.full.eq(weights.full),
            weights.swap.eq(issue.swap),
            array.weights.eq(weights.weights),
            epilogue.filled.eq(parameters.filled),
            epilogue.table_filled.eq(parameters.table_filled),
            parameters.release.eq(epilogue.release),
            parameters.table_release.eq(epilogue.table_release),
        ]

        # The direct path, and LayerNorm's statistics.
        m.submodules.statistics = statistics = Statistics(config=engine)
        m.submodules.root = root = Root()
        m.submodules.normalise = normalise = Normalise(config=engine)
        connect(m, whole_rows.o, statistics.i)
        connect(m, statistics.o, root.i)
        connect(m, root.o, normalise.statistics)
        connect(m, direct.o, normalise.i)
        connect(m, normalise.o, epilogue.direct)
        connect(m, residual.o, epilogue.residual)

        for name, user in (
            ("input", loader),
            ("weight", weights),
            ("issue", issue),
            ("parameter", parameters),
            ("epilogue", epilogue),
            ("output", writer),
            ("direct", direct),
            ("residual", residual),
            ("statistics", whole_rows),
        ):
            source = getattr(walker, name)
            queue = Queue(source.payload.shape(), depth=STEPS_WAITING)
            m.submodules[f"{name}_steps"] = queue
            connect(m, source, queue.i)
            connect(m, queue.o, user.step)

        activity = self.activity
        m.d.comb += [
            *(
                getattr(activity, name).eq(getattr(issue, name))
                for name in ("active", "no_step", "blocked", "no_row", "no_weights")
            ),
            *(
                getattr(activity, name).eq(getattr(epilogue, name))
                for name in ("taken_direct", "waits_entry", "waits_residual", "waits_direct")
            ),
            activity.refused.eq(epilogue.o.valid & ~epilogue.o.ready),
            activity.input_waiting.eq(loader.waiting),
            activity.weight_waiting.eq(weights.waiting),
            activity.parameter_waiting.eq(parameters.waiting),
            activity.residual_waiting.eq(residual.waiting),
            activity.direct_waiting.eq(direct.waiting | whole_rows.waiting),
        ]
        return m

    def _reader(self, m, name, ports, clients):
        """Join a reader with its ports and clients."""
        m.submodules[name] = reader = RowReader(config=self._config, clients=len(clients))
        for number, (command, row) in enumerate(clients):
            connect(m, command, reader.command[number])
            connect(m, reader.row[number], row)
        for number, port in enumerate(ports):
            connect(m, reader.read[number], flipped(port.read))
            connect(m, flipped(port.data), reader.data[number])
