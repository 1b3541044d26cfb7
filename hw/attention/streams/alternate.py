"""Spreads the reads of one client over two readers."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.queue import Queue
from hw.attention.steps import RowAnswer, RowCommand
from hw.config import ClusterConfig

WAITING = 16
"""Answers that a reader may be ahead of the other one."""


class Alternate(wiring.Component):
    """Gives a client's commands to two readers in turn, and its answers in their order.

    A client that reads a row a cycle leaves each reader half of its cycles for others. It has at
    most WAITING commands unanswered.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    i : In(stream of RowCommand)
    row : Out(RowAnswer)
    command : Out(stream of RowCommand) for each reader
    answer : In(RowAnswer) for each reader

    Timing
    ------
    Commands pass in the cycle they come (`i.ready` depends combinationally on `command.ready`),
    answers too when it is their turn.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(RowCommand(config))),
                "row": Out(RowAnswer(config)),
                "command": Out(stream.Signature(RowCommand(config))).array(2),
                "answer": In(RowAnswer(config)).array(2),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bits = 8 * self._config.engine.lanes
        asking = Signal()
        answering = Signal()
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += asking.eq(~asking)
        with m.If(self.row.valid):
            m.d.sync += answering.eq(~answering)
        for side, (command, answer) in enumerate(zip(self.command, self.answer, strict=True)):
            waiting = Queue(bits, depth=WAITING, fall_through=True)
            m.submodules[f"waiting_{side}"] = waiting
            m.d.comb += [
                command.valid.eq(self.i.valid & (asking == side)),
                command.payload.eq(self.i.payload),
                waiting.i.valid.eq(answer.valid),
                waiting.i.payload.eq(answer.data),
                waiting.o.ready.eq(answering == side),
            ]
            with m.If(asking == side):
                m.d.comb += self.i.ready.eq(command.ready)
            with m.If(answering == side):
                m.d.comb += [
                    self.row.valid.eq(waiting.o.valid),
                    self.row.data.eq(waiting.o.payload),
                ]
        return m
