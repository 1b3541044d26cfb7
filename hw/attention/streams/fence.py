"""The write fence: which writes are performed, although ports finish out of order."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import POSITION_BITS
from hw.attention.streams.port import WRITES_WAITING
from hw.config import EngineConfig

WORD_COUNT_BITS = 3


class WriteFence(wiring.Component):
    """Says up to which position, and which of the control's words, every write is performed.

    It notes how many writes are pending at each port and counts those performed since: a port
    performs its writes in order. When none of the noted ones is left, all that was issued when
    they were noted is performed, and it notes anew. When nothing is pending at all, everything
    issued is performed.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    issued : In; the position of the first output row not wholly handed to the ports
    words : In; control words handed to the ports, modulo 8
    pending : In, for each port; its writes that are not performed, those of `issued` and `words`
        among them
    performed : In, for each port; one of them is performed in this cycle
    done, words_done : Out; values of `issued` and `words` of which all writes are performed
    idle : Out; nothing is pending

    Timing
    ------
    `done` and `words_done` are registers. After the last write they show it in the cycle after it
    was performed; while writes go on, they lag behind by at most two times as long as the slowest
    port takes for what is pending. `idle` depends combinationally on `pending`.
    """

    def __init__(self, *, config: EngineConfig):
        pending = range(WRITES_WAITING + 2)
        super().__init__(
            {
                "issued": In(POSITION_BITS),
                "words": In(WORD_COUNT_BITS),
                "pending": In(pending).array(config.ports),
                "performed": In(1).array(config.ports),
                "done": Out(POSITION_BITS),
                "words_done": Out(WORD_COUNT_BITS),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        noted = Signal(POSITION_BITS)
        words_noted = Signal(WORD_COUNT_BITS)
        all_done = Signal()  # of what is pending
        noted_done = Signal()  # of what was noted
        rest = []  # of what was noted, after this cycle
        for port, performed in enumerate(self.performed):
            left = Signal.like(self.pending[port], name=f"left_{port}")
            rest.append((left != 0) & ~((left == 1) & performed))
            with m.If(noted_done):
                m.d.sync += left.eq(self.pending[port] - performed)
            with m.Elif(performed & (left != 0)):
                m.d.sync += left.eq(left - 1)
        unperformed = [
            pending != performed
            for pending, performed in zip(self.pending, self.performed, strict=True)
        ]
        m.d.comb += [
            self.idle.eq(~Cat(pending != 0 for pending in self.pending).any()),
            all_done.eq(~Cat(unperformed).any()),
            noted_done.eq(~Cat(rest).any()),
        ]
        with m.If(noted_done):
            m.d.sync += [noted.eq(self.issued), words_noted.eq(self.words)]
            m.d.sync += [self.done.eq(noted), self.words_done.eq(words_noted)]
        with m.If(all_done):
            m.d.sync += [self.done.eq(self.issued), self.words_done.eq(self.words)]
        return m
