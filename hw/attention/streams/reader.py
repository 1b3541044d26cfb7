"""Reads rows of neighbouring words, one word a port."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.queue import Queue
from hw.attention.steps import RowAnswer, RowCommand, word_bits
from hw.config import ClusterConfig

ROWS_INSIDE = 8


class RowReader(wiring.Component):
    """Splits row commands over `row_words` ports and puts the answers together.

    Word l of a row goes through port l. A port that is refused falls behind the others by as many
    rows as its queues hold before it stalls them. Several clients share the reader: the first one
    that asks is served, and answers come in the order of the commands. A client commands only
    rows that it can take: answers know no back-pressure.

    Parameters
    ----------
    config : ClusterConfig
    clients : int
        How many, at least 1.

    Members
    -------
    command : In(stream of RowCommand) for each client; `count` is 1 to `row_words`
    row : Out(RowAnswer) for each client
    read : Out(stream of word addresses) for each port
    data : In(stream of 64 bits) for each port

    Timing
    ------
    One row a cycle. Commands go to the ports' queues in the cycle they are taken; a row is
    answered in the cycle in which the last of its words is at `data`.
    """

    def __init__(self, *, config: ClusterConfig, clients):
        self._config = config
        self._clients = clients
        words = config.engine.row_words
        super().__init__(
            {
                "command": In(stream.Signature(RowCommand(config))).array(clients),
                "row": Out(RowAnswer(config)).array(clients),
                "read": Out(stream.Signature(word_bits(config))).array(words),
                "data": In(stream.Signature(64)).array(words),
            }
        )

    def elaborate(self, platform):
        m = Module()
        words = self._config.engine.row_words
        place = data.StructLayout({"client": range(self._clients), "count": range(words + 1)})
        m.submodules.inside = inside = Queue(place, depth=ROWS_INSIDE)

        chosen = Signal(RowCommand(self._config))
        asked = Signal()
        room = Signal()
        m.d.comb += room.eq(Cat(read.ready for read in self.read).all() & inside.i.ready)
        for client in reversed(range(self._clients)):
            with m.If(self.command[client].valid):
                m.d.comb += [
                    asked.eq(1),
                    chosen.eq(self.command[client].payload),
                    inside.i.payload.client.eq(client),
                ]
        first = Const(1, 1)
        for client in range(self._clients):
            m.d.comb += self.command[client].ready.eq(first & room)
            first = first & ~self.command[client].valid
        m.d.comb += [inside.i.valid.eq(asked & room), inside.i.payload.count.eq(chosen.count)]
        for word, read in enumerate(self.read):
            m.d.comb += [
                read.valid.eq(asked & room & (word < chosen.count)),
                read.payload.eq(chosen.word + word),
            ]

        whole = Signal()
        wanted = Signal(words)
        m.d.comb += [
            wanted.eq(Cat(word < inside.o.payload.count for word in range(words))),
            whole.eq(inside.o.valid & (Cat(d.valid for d in self.data) | ~wanted).all()),
            inside.o.ready.eq(whole),
        ]
        for word, answer in enumerate(self.data):
            m.d.comb += answer.ready.eq(whole & wanted[word])
        for client, row in enumerate(self.row):
            m.d.comb += [
                row.valid.eq(whole & (inside.o.payload.client == client)),
                row.data.eq(Cat(answer.payload for answer in self.data)),
            ]
        return m
