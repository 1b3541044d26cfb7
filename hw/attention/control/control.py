"""The life of jobs: doorbells, descriptors, status words, events, chains and soft clear."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.attention.control.completion import Completion, Event
from hw.attention.control.fetch import Fetch
from hw.attention.steps import DESCRIPTOR_BITS, POSITION_BITS, RowAnswer, RowCommand, WordWrite
from hw.attention.streams.fence import WORD_COUNT_BITS
from hw.attention.walk.sequencer import Ended
from hw.config import ClusterConfig


class Control(wiring.Component):
    """Takes doorbells and sees each job through to its end, in order; jobs overlap.

    While a job runs, the next one of its chain, or of the next doorbell, is fetched, checked and
    offered. Hence a descriptor must be complete before the doorbell of its chain rings, and no
    earlier job may write it (of attention, nor its steps j, but with `wait_p`). When all writes of
    a job are performed, its status word is written, then the event raised. On an error nothing but
    the status word is written, the chain ends, and doorbells wait for a clear.

    A clear ends the jobs that run, are fetched, or whose doorbells wait: each gets the status
    ABORTED and its event, in order. Jobs that are past their last write end as what they are. The
    rest of a chain is dropped. Doorbells rung after the clear are served when this is over.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    doorbell, doorbell_data : In, one cycle; address of a descriptor, dropped when the queue is full
    clear : In, one cycle
    busy, halted, overflow, free, error, error_address, jobs : Out; of the registers of these names
    event : Out(Event)
    job : Out(stream of 1024 bits); a good descriptor, to be run. Only a reset withdraws it
    ended : In(Ended), one for each job that was taken, in order
    performed : In; the writes of outputs before this position are performed
    words_done : In(3); words of `word` performed since the last reset, counted modulo 8
    reset : Out; forget all jobs. Held until `quiet`
    quiet : In; nothing is on the ports, and nothing due
    command, row, word : reads and writes of control's own

    Timing
    ------
    See `Fetch` and `Completion`. From a clear to `busy` low: at most the ends of the jobs that are
    past their last write, what the requests on the ports take, and about 30 cycles for each job
    that is aborted.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "doorbell": In(1),
                "doorbell_data": In(32),
                "clear": In(1),
                "busy": Out(1),
                "halted": Out(1),
                "overflow": Out(1),
                "free": Out(8, init=config.engine.queue_depth),
                "error": Out(8),
                "error_address": Out(32),
                "jobs": Out(32),
                "event": Out(Event()),
                "job": Out(stream.Signature(DESCRIPTOR_BITS)),
                "ended": In(Ended()),
                "performed": In(POSITION_BITS),
                "words_done": In(WORD_COUNT_BITS),
                "reset": Out(1),
                "quiet": In(1),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "word": Out(stream.Signature(WordWrite(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.fetch = fetch = Fetch(config=self._config)
        m.submodules.completion = completion = Completion(config=self._config)
        now = Signal(32)
        settling = Signal()
        clearing = Signal()
        m.d.sync += now.eq(now + 1)
        connect(m, fetch.ending, completion.ending)
        for name in ("command", "job"):
            connect(m, getattr(fetch, name), flipped(getattr(self, name)))
        for name in ("word", "event"):
            connect(m, getattr(completion, name), flipped(getattr(self, name)))
        connect(m, flipped(self.row), fetch.row)
        connect(m, flipped(self.ended), completion.ended)
        m.d.comb += [
            clearing.eq(self.clear | settling | self.reset),
            fetch.doorbell.eq(self.doorbell),
            fetch.doorbell_data.eq(self.doorbell_data),
            fetch.drained.eq(completion.empty),
            completion.performed.eq(self.performed),
            completion.words_done.eq(self.words_done),
            self.busy.eq(fetch.busy | ~completion.empty | clearing),
            *(getattr(self, n).eq(getattr(fetch, n)) for n in ("overflow", "free")),
            *(
                getattr(self, n).eq(getattr(completion, n))
                for n in ("halted", "error", "error_address", "jobs")
            ),
        ]
        for part in (fetch, completion):
            m.d.comb += [
                part.now.eq(now),
                part.clear.eq(self.clear),
                part.clearing.eq(clearing),
                part.reset.eq(self.reset),
            ]

        # A clear waits for status words that are under way, then resets the pipeline.
        with m.If(self.clear & ~self.reset):
            m.d.sync += settling.eq(1)
        with m.If(settling & completion.settled):
            m.d.sync += [settling.eq(0), self.reset.eq(1)]
        with m.If(self.reset & self.quiet):
            m.d.sync += self.reset.eq(0)
        return m
