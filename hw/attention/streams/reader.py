"""Reads rows of neighbouring words, one word a port."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.queue import Queue
from hw.attention.steps import RowAnswer, RowCommand, word_bits
from hw.config import ClusterConfig

ROWS_INSIDE = 16


class RowReader(wiring.Component):
    """Splits row commands over `row_words` ports and puts the answers together.

    The words of a row go through neighbouring ports, the first one through the port after that of
    the last command's last word: short commands load all ports evenly. A port that is refused
    falls behind the others by as many rows as its queues hold before it stalls them.

    Several clients share the reader: the first one that asks is served, and answers come in the
    order of the commands. A client commands only rows that it can take: answers know no
    back-pressure.

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
    One row a cycle. Commands go to the ports in the cycle they are taken: `read` depends
    combinationally on `command`, and `command.ready` on the `valid` of the clients before. A row
    is answered, from registers, in the cycle after the last of its words is at `data`.
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
        place = data.StructLayout(
            {"client": range(self._clients), "count": range(words + 1), "first": range(words)}
        )
        m.submodules.inside = inside = Queue(place, depth=ROWS_INSIDE)
        self._ask(m, inside.i)
        self._answer(m, inside.o)
        return m

    def _ask(self, m, inside):
        """Hand the words of the chosen command to the ports, and its place to `inside`."""
        words = self._config.engine.row_words
        chosen = Signal(RowCommand(self._config))
        asked = Signal()
        room = Signal()
        first = Signal(range(words))
        m.d.comb += room.eq(Cat(read.ready for read in self.read).all() & inside.ready)
        for client in reversed(range(self._clients)):
            with m.If(self.command[client].valid):
                m.d.comb += [
                    asked.eq(1),
                    chosen.eq(self.command[client].payload),
                    inside.payload.client.eq(client),
                ]
        free = Const(1, 1)
        for client in range(self._clients):
            m.d.comb += self.command[client].ready.eq(free & room)
            free = free & ~self.command[client].valid
        m.d.comb += [
            inside.valid.eq(asked & room),
            inside.payload.count.eq(chosen.count),
            inside.payload.first.eq(first),
        ]
        with m.If(asked & room):
            m.d.sync += first.eq(first + chosen.count)
        for port, read in enumerate(self.read):
            word = Signal(range(words), name=f"word_{port}")
            m.d.comb += [
                word.eq(port - first),
                read.valid.eq(asked & room & (word < chosen.count)),
                read.payload.eq(chosen.word + word),
            ]

    def _answer(self, m, inside):
        """Put the words of the oldest row together."""
        words = self._config.engine.row_words
        whole = Signal()
        wanted = Signal(words)
        arrived = Cat(answer.valid for answer in self.data)
        m.d.comb += [whole.eq(inside.valid & (arrived | ~wanted).all()), inside.ready.eq(whole)]
        for port, answer in enumerate(self.data):
            word = Signal(range(words), name=f"word_of_{port}")
            m.d.comb += [
                word.eq(port - inside.payload.first),
                wanted[port].eq(word < inside.payload.count),
                answer.ready.eq(whole & wanted[port]),
            ]
        row = Signal(64 * words)
        answers = Cat(answer.payload for answer in self.data)
        m.d.sync += row.eq(Cat(answers, answers) >> (inside.payload.first << 6))
        for client, answer in enumerate(self.row):
            m.d.sync += answer.valid.eq(whole & (inside.payload.client == client))
            m.d.comb += answer.data.eq(row)
