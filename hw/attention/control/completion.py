"""The completion of jobs, in order: status words, events, the halt after a fault."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.queue import Queue
from hw.attention.steps import POSITION_BITS, WordWrite, word_bits
from hw.attention.streams.fence import WORD_COUNT_BITS
from hw.attention.walk.sequencer import Ended
from hw.config import ClusterConfig
from hw.regmap import Status

JOBS_INSIDE = 4
"""Jobs that were begun and have not ended."""


class Event(wiring.Signature):
    """The end of a job: `valid` for one cycle, and the harts that are told (`mask`)."""

    def __init__(self):
        super().__init__({"valid": Out(1), "mask": Out(32)})


class Ending(data.StructLayout):
    """What it takes to end a job: its `code` (DONE: it runs), the `address` of its descriptor,
    where the status word goes if it `has_status`, harts to tell, and the cycle of its start."""

    def __init__(self, config: ClusterConfig):
        super().__init__(
            {
                "code": 8,
                "address": 32,
                "has_status": 1,
                "status": word_bits(config),
                "mask": 32,
                "since": 32,
            }
        )


class Completion(wiring.Component):
    """Ends jobs in the order in which they came.

    A job that runs ends when its writes are performed, any other when it is its turn. Then its
    status word is written, and when that is performed, the event is raised. A faulty job halts
    the engine.

    At `reset`, jobs that are inside become aborted ones. `settled` says that the reset may come:
    no status word is under way, and no job is past its last write. Between a clear and the end of
    its reset (`clearing`) a faulty job does not halt the engine any more.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    ending : In(stream of Ending), in order
    ended : In(Ended), one for each job that runs, in order, later than its `ending`
    performed : In; the writes of outputs before this position are performed
    words_done : In(3); status words performed since the last `reset`, counted modulo 8
    word : Out(stream of WordWrite); status words
    event : Out(Event)
    now : In(32); the cycle
    clear : In, one cycle
    clearing, reset : In, see above
    settled : Out, see above
    empty : Out; no job is inside
    halted, error, error_address, jobs : Out; of the registers of these names

    Timing
    ------
    One cycle from the write that is performed last (`performed`) to `word`, none from
    `words_done` to `event`, another one without status word. Two jobs end at least three cycles
    apart. 4 jobs inside.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "ending": In(stream.Signature(Ending(config))),
                "ended": In(Ended()),
                "performed": In(POSITION_BITS),
                "words_done": In(WORD_COUNT_BITS),
                "word": Out(stream.Signature(WordWrite(config))),
                "event": Out(Event()),
                "now": In(32),
                "clear": In(1),
                "clearing": In(1),
                "reset": In(1),
                "settled": Out(1),
                "empty": Out(1),
                "halted": Out(1),
                "error": Out(8),
                "error_address": Out(32),
                "jobs": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.jobs = jobs = Queue(Ending(self._config), depth=JOBS_INSIDE)
        positions = Queue(POSITION_BITS, depth=JOBS_INSIDE)
        m.submodules.positions = ResetInserter(self.reset)(positions)
        wiring.connect(m, wiring.flipped(self.ending), jobs.i)
        job = jobs.o.payload

        to_abort = Signal(range(JOBS_INSIDE + 1))  # jobs that were inside at the last reset
        seen = Signal()  # the job was the first one in the cycle before, too
        code = Signal(8)
        ahead = Signal(signed(POSITION_BITS))
        due = Signal()
        low = Signal(17)
        high = Signal(16)
        cycles = Signal(32)
        sent = Signal(WORD_COUNT_BITS)
        end = Signal()
        m.d.comb += [
            positions.i.valid.eq(self.ended.valid),
            positions.i.payload.eq(self.ended.position),
            code.eq(Mux(to_abort != 0, Status.ABORTED, job.code)),
            ahead.eq(self.performed - positions.o.payload),
            due.eq(seen & ((code != Status.DONE) | (positions.o.valid & (ahead >= 0)))),
            self.empty.eq(~jobs.o.valid),
            self.word.payload.word.eq(job.status),
            self.word.payload.data.eq(Cat(code, Const(0, 24), cycles)),
            self.word.payload.strobe.eq(0xFF),
            self.event.valid.eq(end),
            self.event.mask.eq(job.mask),
            jobs.o.ready.eq(end),
            positions.o.ready.eq(end & (code == Status.DONE)),
        ]
        m.d.sync += [
            seen.eq(jobs.o.valid & ~end),
            low.eq(self.now[:16] - job.since[:16]),
            high.eq(self.now[16:] - job.since[16:]),
        ]
        with m.FSM():
            with m.State("WAIT"):
                m.d.comb += self.settled.eq(~due & (seen | self.empty))
                m.d.sync += cycles.eq(Cat(low[:16], high - low[16]))
                with m.If(due & ~self.reset):
                    m.next = "STATUS"
            with m.State("STATUS"):
                m.d.comb += self.word.valid.eq(job.has_status)
                with m.If(~job.has_status):
                    m.d.comb += end.eq(1)
                    m.next = "WAIT"
                with m.Elif(self.word.ready):
                    m.d.sync += sent.eq(sent + 1)
                    m.next = "WRITTEN"
            with m.State("WRITTEN"):
                with m.If(self.words_done == sent):
                    m.d.comb += end.eq(1)
                    m.next = "WAIT"

        with m.If(end):
            m.d.sync += self.jobs.eq(self.jobs + 1)
            with m.If(to_abort != 0):
                m.d.sync += to_abort.eq(to_abort - 1)
            with m.If((code != Status.DONE) & (code != Status.ABORTED) & ~self.clearing):
                m.d.sync += [
                    self.halted.eq(1),
                    self.error.eq(code),
                    self.error_address.eq(job.address),
                ]
        with m.If(self.clear):
            m.d.sync += [self.halted.eq(0), self.error.eq(0), self.error_address.eq(0)]
        with m.If(self.reset):
            m.d.sync += [to_abort.eq(jobs.level), sent.eq(0)]
        return m
