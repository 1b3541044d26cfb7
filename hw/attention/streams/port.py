"""One TCDM port of the engine: reads with room reserved for their answers, and writes."""

from amaranth.hdl import *
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.queue import Queue
from hw.attention.steps import WordWrite, word_bits
from hw.config import ClusterConfig
from hw.tcdm.bus import TcdmOp, TcdmSignature

READS_WAITING = 8
WRITES_WAITING = 4
ANSWERS = 8


class PortLoad(enum.Enum, shape=2):
    """How soon a write would be asked for: at once, after the request on the bus, after others.

    Unless a port is CROWDED it has room for a write in this cycle and for another in the next.
    """

    EMPTY = 0
    READING = 1
    WRITING = 2
    CROWDED = 3


class Port(wiring.Component):
    """Feeds one TCDM port from a queue of reads and a queue of writes; writes go first.

    A read is asked for only when a place for its answer is free, so that answers never need
    back-pressure. Ports do not wait for each other.

    Parameters
    ----------
    config : ClusterConfig

    Members
    -------
    read : In(stream of word addresses)
    data : Out(stream of 64 bits), the answers in order
    write : In(stream of WordWrite)
    pending : Out; writes taken from `write` and not yet performed
    performed : Out; a write is granted, and so performed, in this cycle
    granted_read, refused : Out; a read is granted, or a request has to wait, in this cycle
    load : Out(PortLoad), for who chooses between ports
    clear : In; forgets everything that waits and every answer. Hold it until `active` is low
    active : Out; a request is on the bus or its response is due
    bus : Out(TcdmSignature)

    Timing
    ------
    One cycle from `read` or `write` to the bus when nothing is before them, one more from the
    response to `data`; one request a cycle. Requests come from a register and stay as they are
    until taken. `pending` and `load` come from registers, and so do `read.ready` and `write.ready`;
    `performed`, `granted_read` and `refused` depend combinationally on `bus.req.ready`.
    """

    def __init__(self, *, config: ClusterConfig):
        self._config = config
        super().__init__(
            {
                "read": In(stream.Signature(word_bits(config))),
                "data": Out(stream.Signature(64)),
                "write": In(stream.Signature(WordWrite(config))),
                "pending": Out(range(WRITES_WAITING + 2)),
                "performed": Out(1),
                "granted_read": Out(1),
                "refused": Out(1),
                "load": Out(PortLoad),
                "clear": In(1),
                "active": Out(1),
                "bus": Out(TcdmSignature(addr_width=config.tcdm.addr_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        reads = Queue(word_bits(self._config), depth=READS_WAITING, fall_through=True)
        writes = Queue(WordWrite(self._config), depth=WRITES_WAITING, fall_through=True)
        answers = Queue(64, depth=ANSWERS, fall_through=True)
        clear = ResetInserter(self.clear)
        m.submodules.reads = clear(reads)
        m.submodules.writes = clear(writes)
        m.submodules.answers = clear(answers)
        wiring.connect(m, wiring.flipped(self.read), reads.i)
        wiring.connect(m, wiring.flipped(self.write), writes.i)
        wiring.connect(m, wiring.flipped(self.data), answers.o)

        request = self.bus.req.payload
        taken = Signal()
        read_due = Signal()
        write_due = Signal()
        room = Signal(range(ANSWERS + 1), init=ANSWERS)
        may_ask = Signal()
        ask_read = Signal()
        freed = Signal()
        storing = Signal()
        m.d.comb += [
            taken.eq(self.bus.req.valid & self.bus.req.ready),
            may_ask.eq((~self.bus.req.valid | self.bus.req.ready) & ~self.clear),
            writes.o.ready.eq(may_ask),
            ask_read.eq(may_ask & ~writes.o.valid & reads.o.valid & (room != 0)),
            reads.o.ready.eq(may_ask & ~writes.o.valid & (room != 0)),
            freed.eq(answers.o.valid & answers.o.ready),
            answers.i.valid.eq(self.bus.rsp.valid & read_due & ~self.clear),
            answers.i.payload.eq(self.bus.rsp.data),
            storing.eq(self.bus.req.valid & (request.op == TcdmOp.STORE)),
            self.active.eq(self.bus.req.valid | read_due | write_due),
            self.pending.eq(writes.level + storing),
            self.performed.eq(storing & self.bus.req.ready),
            self.granted_read.eq(taken & ~storing),
            self.refused.eq(self.bus.req.valid & ~self.bus.req.ready),
        ]
        with m.If(writes.level >= WRITES_WAITING - 1):
            m.d.comb += self.load.eq(PortLoad.CROWDED)
        with m.Elif(storing | (writes.level != 0)):
            m.d.comb += self.load.eq(PortLoad.WRITING)
        with m.Elif(self.bus.req.valid | (reads.level != 0)):
            m.d.comb += self.load.eq(PortLoad.READING)

        m.d.sync += [read_due.eq(self.granted_read), write_due.eq(self.performed)]
        with m.If(taken):
            m.d.sync += self.bus.req.valid.eq(0)
        with m.If(may_ask & writes.o.valid):
            m.d.sync += [
                self.bus.req.valid.eq(1),
                request.op.eq(TcdmOp.STORE),
                request.addr.eq(writes.o.payload.word << 3),
                request.data.eq(writes.o.payload.data),
                request.strobe.eq(writes.o.payload.strobe),
            ]
        with m.Elif(ask_read):
            m.d.sync += [
                self.bus.req.valid.eq(1),
                request.op.eq(TcdmOp.LOAD),
                request.addr.eq(reads.o.payload << 3),
            ]
        with m.If(self.clear):
            m.d.sync += room.eq(ANSWERS)
        with m.Elif(ask_read & ~freed):
            m.d.sync += room.eq(room - 1)
        with m.Elif(freed & ~ask_read):
            m.d.sync += room.eq(room + 1)
        return m
