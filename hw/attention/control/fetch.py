"""The fetch of jobs: doorbells and chains, descriptors, their checks, attention's steps j."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.control.checker import Checker, is_descriptor_address
from hw.attention.control.completion import Ending
from hw.attention.queue import Queue
from hw.attention.steps import (
    DESCRIPTOR_BITS,
    SIZE_BITS,
    Descriptor,
    RowAnswer,
    RowCommand,
    word_bits,
)
from hw.config import WORD_BYTES, ClusterConfig
from hw.regmap import ALL_HARTS, DESCRIPTOR, HEAD_PARAMETER, Kind, Status

DESCRIPTOR_WORDS = DESCRIPTOR.bytes // WORD_BYTES
HEAD_WORDS = HEAD_PARAMETER.words


class Fetch(wiring.Component):
    """Takes doorbells, follows chains, and hands on each job that it finds there.

    A descriptor is read and checked (with every head's step j, in attention), while the jobs
    before it run. A good one is offered in `job`; when it is taken, or when there is a fault,
    what it takes to end the job goes to `ending`. The next one is that of the chain, or else of
    the next doorbell. After a fault doorbells wait for a clear. Of a descriptor that cannot be
    read the event mask is not known: every hart is told.

    With `wait_p`, the steps j are not read before all jobs before have ended.

    A clear cancels the job that is being fetched, the rest of its chain, and the doorbells that
    wait: each of these jobs but those of the chain gets the code ABORTED. Descriptors of cancelled
    jobs are read nevertheless: they say where status and event go. At `reset` what was asked for
    is forgotten, and asked for again.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    doorbell, doorbell_data : In, one cycle; address of a descriptor, dropped when the queue is full
    overflow, free : Out; of the registers of these names
    busy : Out; a job is being fetched, or a doorbell waits
    now : In(32); the cycle
    clear : In, one cycle
    clearing : In; from a clear on until its reset is over: no other job is begun
    reset : In, while `clearing`; answers that are due do not come
    drained : In; all jobs before have ended
    command, row : reads: a client of a RowReader
    job : Out(stream of 1024 bits); a descriptor, checked. A reset withdraws it
    ending : Out(stream of Ending)

    Timing
    ------
    From `doorbell` to `job`: 5 cycles, one for each row command of a descriptor (16 /
    `row_words`), one for each area that the job uses, and the latency of a read; in attention one
    more, one for each head and the latency once more. From a `job` that was taken to the next one
    of a chain: 1 less.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        self._depth = config.engine.queue_depth
        super().__init__(
            {
                "doorbell": In(1),
                "doorbell_data": In(32),
                "overflow": Out(1),
                "free": Out(8, init=self._depth),
                "busy": Out(1),
                "now": In(32),
                "clear": In(1),
                "clearing": In(1),
                "reset": In(1),
                "drained": In(1),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "job": Out(stream.Signature(DESCRIPTOR_BITS)),
                "ending": Out(stream.Signature(Ending(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.doorbells = doorbells = Queue(32, depth=self._depth)
        m.submodules.checker = checker = Checker(config=self._config)
        descriptor = Signal(DESCRIPTOR_BITS)
        d = data.View(Descriptor(), descriptor)

        address = Signal(32)
        since = Signal(32)
        code = Signal(8)
        sent = Signal(SIZE_BITS)
        received = Signal(SIZE_BITS)
        head_word = Signal(word_bits(self._config))
        bad_head = Signal()
        to_abort = Signal(range(self._depth + 1))  # doorbells that waited at the last clear
        stopped = Signal()  # after a fault
        cancelled = Signal()  # a clear came while the job was there
        idle = Signal()
        ending = self.ending.payload
        readable = code != Status.DESCRIPTOR_ADDRESS
        m.d.comb += [
            doorbells.i.valid.eq(self.doorbell),
            doorbells.i.payload.eq(self.doorbell_data),
            self.free.eq(self._depth - doorbells.level),
            self.busy.eq(~idle | doorbells.o.valid),
            checker.descriptor.eq(descriptor),
            self.job.payload.eq(descriptor),
            ending.code.eq(code),
            ending.address.eq(address),
            ending.has_status.eq(readable & checker.status_ok & (d.status != 0)),
            ending.status.eq(d.status >> 3),
            ending.mask.eq(Mux(readable, d.event_mask, ALL_HARTS)),
            ending.since.eq(since),
        ]
        with m.If(self.doorbell & ~doorbells.i.ready):
            m.d.sync += self.overflow.eq(1)

        def leave():
            """Go on to the chain's next job, or to a doorbell."""
            m.d.sync += [sent.eq(0), received.eq(0)]
            m.next = "IDLE"
            with m.If(~cancelled & ~self.clear):
                with m.If(code != Status.DONE):
                    m.d.sync += stopped.eq(1)
                with m.Elif(d.next != 0):
                    m.d.sync += [address.eq(d.next), since.eq(self.now)]
                    m.next = "FETCH"

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [
                    idle.eq(1),
                    doorbells.o.ready.eq((~stopped | (to_abort != 0)) & ~self.clearing),
                ]
                m.d.sync += [
                    address.eq(doorbells.o.payload),
                    since.eq(self.now),
                    cancelled.eq(to_abort != 0),
                ]
                with m.If(doorbells.o.valid & doorbells.o.ready):
                    m.next = "FETCH"
                    with m.If(to_abort != 0):
                        m.d.sync += to_abort.eq(to_abort - 1)
            with m.State("FETCH"):
                with m.If(~is_descriptor_address(self._config, address)):
                    m.d.sync += code.eq(Status.DESCRIPTOR_ADDRESS)
                    m.next = "END"
                with m.Elif(self._read_descriptor(m, descriptor, address[3:], sent, received)):
                    m.d.comb += checker.start.eq(1)
                    m.d.sync += [sent.eq(0), received.eq(0)]
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.sync += [
                    code.eq(checker.status),
                    head_word.eq((d.param_base >> 3) + (HEAD_WORDS - 1)),
                    bad_head.eq(0),
                ]
                with m.If(checker.done):
                    m.next = "OFFER"
                    with m.If(cancelled | (checker.status != Status.DONE)):
                        m.next = "END"
                    with m.Elif(d.kind == Kind.ATTENTION):
                        m.next = "HEADS"
            with m.State("HEADS"):
                self._read_heads(m, d, head_word, sent, received, bad_head)
                with m.If(received == d.heads[:SIZE_BITS]):
                    m.next = "OFFER"
                    with m.If(bad_head):
                        m.d.sync += code.eq(Status.BAD_PARAMETER)
                        m.next = "END"
                with m.If(self.reset):
                    m.next = "END"
            with m.State("OFFER"):
                m.d.comb += [
                    self.job.valid.eq(self.ending.ready & ~self.reset),
                    self.ending.valid.eq(self.job.ready & ~self.reset),
                ]
                with m.If(self.reset):
                    m.next = "END"
                with m.Elif(self.job.ready & self.ending.ready):
                    leave()
            with m.State("END"):
                m.d.comb += self.ending.valid.eq(1)
                with m.If(cancelled):  # perhaps while this waits
                    m.d.comb += ending.code.eq(Status.ABORTED)
                with m.If(self.ending.ready):
                    leave()

        with m.If(self.clear):
            m.d.sync += [
                cancelled.eq(~idle),
                stopped.eq(0),
                to_abort.eq(doorbells.level),
                self.overflow.eq(0),
            ]
        return m

    def _read_descriptor(self, m, descriptor, word, sent, received):
        """Read the descriptor, and return whether it is there."""
        row_words = self._config.engine.row_words
        rows = DESCRIPTOR_WORDS // row_words
        m.d.comb += [
            self.command.valid.eq((sent != rows) & ~self.reset),
            self.command.payload.word.eq(word + sent * row_words),
            self.command.payload.count.eq(row_words),
        ]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += sent.eq(sent + 1)
        with m.If(self.row.valid):
            m.d.sync += [
                received.eq(received + 1),
                descriptor.eq(Cat(descriptor[64 * row_words :], self.row.data)),
            ]
        with m.If(self.reset):
            m.d.sync += [sent.eq(0), received.eq(0)]
        return received == rows

    def _read_heads(self, m, d, word, sent, received, bad):
        """Read every head's step j, and set `bad` when one is not allowed."""
        may_read = (~d.wait_p | self.drained) & ~self.reset
        m.d.comb += [
            self.command.valid.eq((sent != d.heads[:SIZE_BITS]) & may_read),
            self.command.payload.word.eq(word),
            self.command.payload.count.eq(1),
        ]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [sent.eq(sent + 1), word.eq(word + HEAD_WORDS)]
        j = self.row.data[:3]
        with m.If(self.row.valid):
            m.d.sync += received.eq(received + 1)
            with m.If((j == 0) | (j > 5)):
                m.d.sync += bad.eq(1)
