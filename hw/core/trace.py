"""The observer of the core: a queue of what left execute, until its late results are there."""

from amaranth.hdl import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw.core.lsu import Performed
from hw.core.rvfi import RvfiSignature
from hw.tcdm.bus import TcdmOp


class TraceEntry(data.Struct):
    """What is known of an instruction when it leaves execute.

    `late`: it waits for a late result, which is what it writes to `rd`. `reads` and `writes` are
    the masks of its access.
    """

    pc: 32
    next_pc: 32
    insn: 32
    trap: 1
    cause: 5
    rs1: 5
    rs2: 5
    rs3: 5
    rs1_data: 32
    rs2_data: 32
    rs3_data: 32
    rd: 5
    rd_data: 32
    rd2: 5
    rd2_data: 32
    late: 1
    memory: 1
    op: TcdmOp
    address: 32
    reads: 4
    writes: 4
    data: 32


class Stored(data.Struct):
    """What the queue holds: an entry, and what a trap left to the first one of its handler."""

    entry: TraceEntry
    intr: 1
    irq: 1
    irq_cause: 5


class Trace(wiring.Component):
    """Puts instructions into a queue as they leave execute, and shows them as RVFI in that order.

    Parameters
    ----------
    depth : int
        Instructions that the queue holds, a power of two. When it is full execute waits.

    Members
    -------
    push : In; `valid` and TraceEntry
    full : Out(1), no `push` now
    tag : Out, the place that a push gets; late results name it
    trap : In; `valid`, `interrupt` and `code`: a trap is taken in this cycle. An exception is
        pushed in the same cycle, an interrupt is not: it shows with the next instruction.
    time : Out(32), cycles since reset
    performed : In; `valid` and Performed: memory answered the access of that place
    written : In; `valid`, `tag` and `data`: a late result goes to its register
    rvfi : Out(RvfiSignature)

    Timing
    ------
    An instruction shows in the cycle after its push, or after its last late result.
    """

    def __init__(self, *, depth):
        if depth < 2 or depth & (depth - 1):
            raise ValueError(f"depth is {depth!r}, but must be a power of two from 2 on")
        self._depth = depth
        self.performed_shape = Performed(depth)
        super().__init__(
            {
                "push": In(wiring.Signature({"valid": Out(1), "entry": Out(TraceEntry)})),
                "full": Out(1),
                "tag": Out(range(depth)),
                "trap": In(
                    wiring.Signature({"valid": Out(1), "interrupt": Out(1), "code": Out(5)})
                ),
                "time": Out(32),
                "performed": In(
                    wiring.Signature({"valid": Out(1), "payload": Out(Performed(depth))})
                ),
                "written": In(
                    wiring.Signature({"valid": Out(1), "tag": Out(range(depth)), "data": Out(32)})
                ),
                "rvfi": Out(RvfiSignature()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = self._depth
        head = Signal(range(depth))
        count = Signal(range(depth + 1))
        waits_result = Signal(depth)
        waits_memory = Signal(depth)
        order = Signal(64)
        shown = Signal(Stored)
        access = Signal(Performed(depth))
        late_data = Signal(32)
        done = Signal()

        # What a trap leaves to the first instruction of its handler.
        first = Signal()
        after_interrupt = Signal()
        interrupt_code = Signal(5)
        stored = Signal(Stored)
        m.d.sync += self.time.eq(self.time + 1)
        with m.If(self.trap.valid):
            m.d.sync += first.eq(1)
            with m.If(self.trap.interrupt):
                m.d.sync += [after_interrupt.eq(1), interrupt_code.eq(self.trap.code)]
        with m.Elif(self.push.valid):
            m.d.sync += first.eq(0)
        with m.If(self.push.valid):
            m.d.sync += after_interrupt.eq(0)
        m.d.comb += [
            stored.entry.eq(self.push.entry),
            stored.intr.eq(first),
            stored.irq.eq(after_interrupt),
            stored.irq_cause.eq(Mux(after_interrupt, interrupt_code, 0)),
        ]

        tail = (head + count)[: len(head)]
        m.d.comb += [self.tag.eq(tail), self.full.eq(count == depth)]
        for name, shape, enable, place, value, out in (
            ("entries", Stored, self.push.valid, tail, stored, shown),
            (
                "accesses",
                Performed(depth),
                self.performed.valid,
                self.performed.payload.tag,
                self.performed.payload,
                access,
            ),
            (
                "results",
                unsigned(32),
                self.written.valid,
                self.written.tag,
                self.written.data,
                late_data,
            ),
        ):
            store = memory.Memory(shape=shape, depth=depth, init=[])
            m.submodules[name] = store
            write, read = store.write_port(), store.read_port(domain="comb")
            m.d.comb += [
                write.en.eq(enable),
                write.addr.eq(place),
                write.data.eq(value),
                read.addr.eq(head),
                out.eq(read.data),
            ]
        for place in range(depth):
            with m.If(self.push.valid & (tail == place)):
                m.d.sync += [
                    waits_result[place].eq(self.push.entry.late),
                    waits_memory[place].eq(self.push.entry.memory),
                ]
            with m.If(self.performed.valid & (self.performed.payload.tag == place)):
                m.d.sync += waits_memory[place].eq(0)
            with m.If(self.written.valid & (self.written.tag == place)):
                m.d.sync += waits_result[place].eq(0)
        m.d.comb += done.eq(
            (count != 0) & ~waits_result.bit_select(head, 1) & ~waits_memory.bit_select(head, 1)
        )
        m.d.sync += [count.eq(count + self.push.valid - done), order.eq(order + done)]
        with m.If(done):
            m.d.sync += head.eq(head + 1)
        self._show(m, done, order, shown, access, late_data)
        return m

    def _show(self, m, valid, order, shown, access, late_data):
        rvfi, entry = self.rvfi, shown.entry
        failed = (entry.op == TcdmOp.SC) & access.data[0]

        def masked(word, mask):
            return word & Cat(bit.replicate(8) for bit in mask)

        m.d.comb += [
            rvfi.valid.eq(valid),
            rvfi.order.eq(order),
            rvfi.insn.eq(entry.insn),
            rvfi.trap.eq(entry.trap),
            rvfi.halt.eq(0),
            rvfi.intr.eq(shown.intr),
            rvfi.mode.eq(3),
            rvfi.ixl.eq(1),
            rvfi.rs1_addr.eq(entry.rs1),
            rvfi.rs2_addr.eq(entry.rs2),
            rvfi.rs1_rdata.eq(entry.rs1_data),
            rvfi.rs2_rdata.eq(entry.rs2_data),
            rvfi.rd_addr.eq(entry.rd),
            rvfi.pc_rdata.eq(entry.pc),
            rvfi.pc_wdata.eq(entry.next_pc),
            rvfi.heed_rs3_addr.eq(entry.rs3),
            rvfi.heed_rs3_rdata.eq(entry.rs3_data),
            rvfi.heed_rd2_addr.eq(entry.rd2),
            rvfi.heed_rd2_wdata.eq(entry.rd2_data),
            rvfi.heed_cause.eq(entry.cause),
            rvfi.heed_irq.eq(shown.irq),
            rvfi.heed_irq_cause.eq(shown.irq_cause),
        ]
        with m.If(entry.rd != 0):
            m.d.comb += rvfi.rd_wdata.eq(Mux(entry.late, late_data, entry.rd_data))
        with m.If(entry.memory):
            m.d.comb += rvfi.heed_mem_time.eq(access.time)
        with m.If(entry.memory & ~failed):
            m.d.comb += [
                rvfi.mem_addr.eq(entry.address),
                rvfi.mem_rmask.eq(entry.reads),
                rvfi.mem_wmask.eq(entry.writes),
                rvfi.mem_rdata.eq(masked(access.data, entry.reads)),
                rvfi.mem_wdata.eq(masked(entry.data, entry.writes)),
            ]
