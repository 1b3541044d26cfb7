"""A buffer for rows that were asked for: it asks only for what it has room for."""

from amaranth.hdl import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.steps import RowAnswer, RowCommand
from hw.config import ClusterConfig


class AnswerBuffer(wiring.Component):
    """Passes commands on while there is room for their answers, and hands these out in order.

    Each command has a tag that comes back with its row. A place is taken from the command until
    the row is taken.

    Parameters
    ----------
    config : ClusterConfig
    tag : ShapeLike
    depth : int
        Rows asked for or waiting, a power of two, at least 2.

    Members
    -------
    i : In(stream of `command` and `tag`)
    command : Out(stream of RowCommand)
    row : In(RowAnswer)
    o : Out(stream of `data` and `tag`)

    Timing
    ------
    A command a cycle and a row a cycle. Combinational from `i` to `command` and from
    `command.ready` to `i.ready`. An answer that finds the buffer empty is at `o` in the cycle in
    which it comes.
    """

    def __init__(self, *, config: ClusterConfig, tag, depth):
        self._width = 8 * config.engine.lanes
        self._tag = tag
        self._depth = depth
        asked = data.StructLayout({"command": RowCommand(config), "tag": tag})
        answered = data.StructLayout({"data": self._width, "tag": tag})
        super().__init__(
            {
                "i": In(stream.Signature(asked)),
                "command": Out(stream.Signature(RowCommand(config))),
                "row": In(RowAnswer(config)),
                "o": Out(stream.Signature(answered)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = self._depth
        m.submodules.memory = rows = memory.Memory(
            shape=unsigned(self._width), depth=depth, init=()
        )
        # Transparent, for a row that is refused in the cycle in which it comes must stay.
        write = rows.write_port()
        read = rows.read_port(transparent_for=[write])
        tags = Signal(data.ArrayLayout(self._tag, depth))

        # Counts modulo 2 * depth, of rows asked for, answered and taken: their places.
        asked = Signal(range(2 * depth))
        answered = Signal.like(asked)
        taken = Signal.like(asked)
        room = Signal()
        m.d.comb += [
            room.eq(asked != taken ^ depth),
            self.command.payload.eq(self.i.payload.command),
            self.command.valid.eq(self.i.valid & room),
            self.i.ready.eq(self.command.ready & room),
        ]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [tags[asked[:-1]].eq(self.i.payload.tag), asked.eq(asked + 1)]

        # The oldest row that waits is at the memory's output.
        waiting = Signal()
        passing = Signal()
        taking = Signal()
        next_taken = Signal.like(taken)
        m.d.comb += [
            write.en.eq(self.row.valid),
            write.addr.eq(answered[:-1]),
            write.data.eq(self.row.data),
            read.en.eq(1),
            read.addr.eq(next_taken[:-1]),
            passing.eq(self.row.valid & ~waiting),
            self.o.valid.eq(waiting | passing),
            self.o.payload.data.eq(Mux(waiting, read.data, self.row.data)),
            self.o.payload.tag.eq(tags[taken[:-1]]),
            taking.eq(self.o.valid & self.o.ready),
            next_taken.eq(Mux(taking, taken + 1, taken)),
        ]
        m.d.sync += [
            answered.eq(answered + self.row.valid),
            taken.eq(next_taken),
            waiting.eq(Mux(waiting, (answered != next_taken) | self.row.valid, passing & ~taking)),
        ]
        return m
