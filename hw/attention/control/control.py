"""The life of jobs: doorbells, descriptors, status words, events, chains and soft clear."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.control.checker import Checker, is_descriptor_address
from hw.attention.queue import Queue
from hw.attention.steps import (
    DESCRIPTOR_BITS,
    SIZE_BITS,
    Descriptor,
    RowAnswer,
    RowCommand,
    WordWrite,
)
from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import ALL_HARTS, DESCRIPTOR, HEAD_PARAMETER, Kind, Status

DESCRIPTOR_WORDS = DESCRIPTOR.bytes // WORD_BYTES
HEAD_WORDS = HEAD_PARAMETER.words


class Event(wiring.Signature):
    """The end of a job: `valid` for one cycle, and the harts that are told (`mask`)."""

    def __init__(self):
        super().__init__({"valid": Out(1), "mask": Out(32)})


class Control(wiring.Component):
    """Takes doorbells and sees each job through to its end, one after the other.

    A job: its descriptor is fetched, checked (with every head's step j, in attention), run, its
    status word written after its last write, the event raised, and the next descriptor of the
    chain taken or else the next doorbell. On an error nothing but the status word is written, the
    chain ends, and doorbells wait for a clear. Of a descriptor that cannot be read the event mask
    is not known: every hart is told.

    A clear ends the running job and those whose doorbells wait: each gets the status ABORTED and
    its event. A job that is past its last write ends as what it is. The rest of a chain is
    dropped. Doorbells rung after the clear are served when this is over.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    doorbell, doorbell_data : In, one cycle; address of a descriptor, dropped when the queue is full
    clear : In, one cycle
    busy, halted, overflow, free, error, error_address, jobs : Out; of the registers of these names
    event : Out(Event)
    descriptor : Out(1024 bits)
    start : Out, one cycle: run the descriptor
    done : In; it has run
    reset : Out; forget the job. Held until `quiet`
    quiet : In; nothing is on the ports, and nothing due
    command, row, word, written : the pipeline's side doors

    Timing
    ------
    From a doorbell to the start of a linear job about 50 cycles, of attention 10 and a cycle for
    each head more. From a clear to `busy` low: at most what the requests on the ports take, and
    about 30 cycles for the running and each waiting job.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        self._depth = config.engine.queue_depth
        super().__init__(
            {
                "doorbell": In(1),
                "doorbell_data": In(32),
                "clear": In(1),
                "busy": Out(1),
                "halted": Out(1),
                "overflow": Out(1),
                "free": Out(8, init=self._depth),
                "error": Out(8),
                "error_address": Out(32),
                "jobs": Out(32),
                "event": Out(Event()),
                "descriptor": Out(DESCRIPTOR_BITS),
                "start": Out(1),
                "done": In(1),
                "reset": Out(1),
                "quiet": In(1),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "word": Out(stream.Signature(WordWrite(config))),
                "written": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.doorbells = doorbells = Queue(32, depth=self._depth)
        m.submodules.checker = checker = Checker(config=self._config)
        d = data.View(Descriptor(), self.descriptor)

        address = Signal(32)
        code = Signal(8)
        cycles = Signal(32)
        sent = Signal(SIZE_BITS)
        received = Signal(SIZE_BITS)
        bad_head = Signal()
        to_abort = Signal(range(self._depth + 1))  # doorbells that waited at the last clear
        cancelled = Signal()  # a clear came while the job was there
        cancel = cancelled | self.clear
        idle = Signal()
        m.d.comb += [
            doorbells.i.valid.eq(self.doorbell),
            doorbells.i.payload.eq(self.doorbell_data),
            self.free.eq(self._depth - doorbells.level),
            self.busy.eq(~idle | doorbells.o.valid),
            checker.descriptor.eq(self.descriptor),
        ]
        with m.If(self.doorbell & ~doorbells.i.ready):
            m.d.sync += self.overflow.eq(1)

        with m.If(~idle):
            m.d.sync += cycles.eq(cycles + 1)  # until a job begins
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += idle.eq(1)
                with m.If(doorbells.o.valid & (~self.halted | (to_abort != 0)) & ~self.clear):
                    m.d.comb += doorbells.o.ready.eq(1)
                    m.d.sync += [
                        address.eq(doorbells.o.payload),
                        cancelled.eq(to_abort != 0),
                    ]
                    with m.If(to_abort != 0):
                        m.d.sync += to_abort.eq(to_abort - 1)
                    m.next = "ADDRESS"
            with m.State("ADDRESS"):
                m.d.sync += [cycles.eq(0), code.eq(Status.DONE), sent.eq(0), received.eq(0)]
                m.next = "FETCH"
                with m.If(~is_descriptor_address(self._config, address)):
                    m.d.sync += code.eq(Status.DESCRIPTOR_ADDRESS)
                    m.next = "END"
            with m.State("FETCH"):
                with m.If(self._fetch(m, address[3:], sent, received)):
                    m.next = "START_CHECK"
            with m.State("START_CHECK"):
                m.d.comb += checker.start.eq(~cancel)
                m.d.sync += [sent.eq(0), received.eq(0), bad_head.eq(0)]
                m.next = "CHECK"
                with m.If(cancel):
                    m.d.sync += code.eq(Status.ABORTED)
                    m.next = "STATUS"
            with m.State("CHECK"):
                with m.If(checker.done):
                    m.next = "START"
                    with m.If(cancel):
                        m.d.sync += code.eq(Status.ABORTED)
                        m.next = "STATUS"
                    with m.Elif(checker.status != Status.DONE):
                        m.d.sync += code.eq(checker.status)
                        m.next = "STATUS"
                    with m.Elif(d.kind == Kind.ATTENTION):
                        m.next = "HEADS"
            with m.State("HEADS"):
                self._read_heads(m, d, sent, received, bad_head)
                with m.If(cancel):
                    m.next = "RESET"
                with m.Elif(received == d.heads):
                    m.next = "START"
                    with m.If(bad_head):
                        m.d.sync += code.eq(Status.BAD_PARAMETER)
                        m.next = "STATUS"
            with m.State("START"):
                m.d.comb += self.start.eq(~cancel)
                m.next = "RUN"
                with m.If(cancel):
                    m.next = "RESET"
            with m.State("RUN"):
                with m.If(cancel):
                    m.next = "RESET"
                with m.Elif(self.done):
                    m.next = "STATUS"
            with m.State("RESET"):
                m.d.comb += self.reset.eq(1)
                m.d.sync += code.eq(Status.ABORTED)
                with m.If(self.quiet):
                    m.next = "STATUS"
            with m.State("STATUS"):
                m.d.comb += [
                    self.word.valid.eq((d.status != 0) & checker.status_ok),
                    self.word.payload.word.eq(d.status >> 3),
                    self.word.payload.data.eq(Cat(code, Const(0, 24), cycles)),
                    self.word.payload.strobe.eq(0xFF),
                ]
                with m.If(~self.word.valid):
                    m.next = "END"
                with m.Elif(self.word.ready):
                    m.next = "WRITTEN"
            with m.State("WRITTEN"):
                with m.If(self.written):
                    m.next = "END"
            with m.State("END"):
                unread = code == Status.DESCRIPTOR_ADDRESS
                m.d.comb += [
                    self.event.valid.eq(1),
                    self.event.mask.eq(Mux(unread, ALL_HARTS, d.event_mask)),
                ]
                m.d.sync += [self.jobs.eq(self.jobs + 1), address.eq(d.next)]
                m.next = "IDLE"
                with m.If(~cancel):
                    with m.If(code != Status.DONE):
                        m.d.sync += [
                            self.halted.eq(1),
                            self.error.eq(code),
                            self.error_address.eq(address),
                        ]
                    with m.Elif(d.next != 0):
                        m.next = "ADDRESS"

        with m.If(self.clear & ~idle):
            m.d.sync += cancelled.eq(1)
        with m.If(self.clear):
            m.d.sync += [
                to_abort.eq(doorbells.level),
                self.halted.eq(0),
                self.overflow.eq(0),
                self.error.eq(0),
                self.error_address.eq(0),
            ]
        return m

    def _fetch(self, m, word, sent, received):
        """Read the descriptor, and return whether it is there."""
        row_words = self._config.engine.row_words
        rows = DESCRIPTOR_WORDS // row_words
        m.d.comb += [
            self.command.valid.eq(sent != rows),
            self.command.payload.word.eq(word + sent * row_words),
            self.command.payload.count.eq(row_words),
        ]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += sent.eq(sent + 1)
        with m.If(self.row.valid):
            m.d.sync += [
                received.eq(received + 1),
                self.descriptor.eq(Cat(self.descriptor[64 * row_words :], self.row.data)),
            ]
        return received == rows

    def _read_heads(self, m, d, sent, received, bad):
        """Read every head's step j, and set `bad` when one is not allowed."""
        m.d.comb += [
            self.command.valid.eq(sent != d.heads),
            self.command.payload.word.eq(
                (d.param_base >> 3) + (HEAD_WORDS - 1) + sent * HEAD_WORDS
            ),
            self.command.payload.count.eq(1),
        ]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += sent.eq(sent + 1)
        j = self.row.data[:3]
        with m.If(self.row.valid):
            m.d.sync += received.eq(received + 1)
            with m.If((j == 0) | (j > 5)):
                m.d.sync += bad.eq(1)
