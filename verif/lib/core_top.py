"""Test top: a core with memory, random stalls, random interrupts and a trace, all in hardware."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.common.ram import Ram
from hw.core.core import Core
from hw.tcdm.bus import TcdmOp
from verif.lib.assembler import BASE
from verif.lib.random_program import MEMORY_BYTES

WORDS = MEMORY_BYTES // 4
TRACE_EVENTS = 1 << 15


class CoreTop(wiring.Component):
    """Runs one program after each reset, by itself; the bench only loads, starts and looks.

    Memory is `MEMORY_BYTES` from `BASE` on, kept twice (`code` and `data`, both written by stores)
    so that both ports of the core have one; other addresses fault. What retires goes to `trace_0`
    (pc, insn) and `trace_1` (rd_data, rd, trap, interrupt, cause).

    Members
    -------
    start : In(1)
    seed : In(32), of the stalls and interrupts, not 0; taken until `start`
    stall : In(8), 256 times the probability that a request or a response waits
    interrupts : In(1), raise and drop interrupts at random
    last : In(32), the address whose retirement ends the run
    done : Out(1), reached `last`, or the trace is full
    count : Out(32), events in the trace
    cycles : Out(32), from `start` on
    """

    start: In(1)
    seed: In(32)
    stall: In(8)
    interrupts: In(1)
    last: In(32)
    done: Out(1)
    count: Out(32)
    cycles: Out(32)

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = Core(retire=True)
        m.submodules.code = code = Ram(depth=WORDS, width=32)
        m.submodules.data = data = Ram(depth=WORDS, width=32)
        chance = self._random(m)
        m.d.comb += [core.start.eq(self.start), core.boot_address.eq(BASE)]
        m.d.sync += self.cycles.eq(self.cycles + (self.start & ~self.done))

        def goes_on(byte):
            return chance.word_select(byte, 8) >= self.stall

        # Data: the memory's word stays at its output until the next read.
        request, response = core.data.req, core.data.rsp
        pending = Signal()
        fault = Signal()
        accept = Signal()
        inside = request.payload.addr[14:] == BASE >> 14
        store = request.payload.op == TcdmOp.STORE
        m.d.comb += [
            request.ready.eq(goes_on(0) & (~pending | response.valid)),
            accept.eq(request.valid & request.ready),
            data.en.eq(accept & inside),
            data.we.eq(store),
            data.addr.eq(request.payload.addr[2:14]),
            data.wdata.eq(request.payload.data),
            data.strobe.eq(request.payload.strobe),
            response.valid.eq(pending & goes_on(1)),
            response.error.eq(fault),
            response.data.eq(data.rdata),
        ]
        with m.If(accept):
            m.d.sync += [pending.eq(1), fault.eq(~inside)]
        with m.Elif(response.valid):
            m.d.sync += pending.eq(0)

        # Fetch: gives way to stores.
        writes = data.en & data.we
        fetch = core.fetch
        asked = Signal()
        m.d.comb += [
            fetch.req.ready.eq(goes_on(2) & ~writes),
            asked.eq(fetch.req.valid & fetch.req.ready),
            code.en.eq(asked | writes),
            code.we.eq(writes),
            code.addr.eq(Mux(writes, data.addr, fetch.req.payload[2:14])),
            code.wdata.eq(data.wdata),
            code.strobe.eq(data.strobe),
            fetch.rsp.data.eq(code.rdata),
        ]
        m.d.sync += [
            fetch.rsp.valid.eq(asked),
            fetch.rsp.error.eq(fetch.req.payload[14:] != BASE >> 14),
        ]

        self._trace(m, core.retire)
        self._raise(m, core.interrupts, chance)
        return m

    def _random(self, m):
        """32 fresh bits a cycle: xorshift generator."""
        state = Signal(32)
        a, b, c = Signal(32), Signal(32), Signal(32)
        m.d.comb += [
            a.eq(state ^ (state << 13)),
            b.eq(a ^ (a >> 17)),
            c.eq(b ^ (b << 5)),
        ]
        m.d.sync += state.eq(Mux(self.start, c, self.seed))
        return state

    def _raise(self, m, levels, chance):
        draw = chance[24:]
        level = Cat(levels.software, levels.timer, levels.external)
        kept = Signal(3)
        m.d.comb += level.eq(kept)
        with m.If(self.interrupts & (draw < 6)):
            m.d.sync += kept.eq(chance[21:24])
        with m.Elif(draw < 30):
            m.d.sync += kept.eq(0)

    def _trace(self, m, retire):
        words = (
            Cat(retire.pc, retire.insn),
            Cat(retire.rd_data, retire.rd, retire.trap, retire.interrupt, retire.cause),
        )
        record = retire.valid & ~self.done
        for number, word in enumerate(words):
            m.submodules[f"trace_{number}"] = ram = Ram(depth=TRACE_EVENTS)
            m.d.comb += [
                ram.en.eq(record),
                ram.we.eq(1),
                ram.strobe.eq(0xFF),
                ram.addr.eq(self.count),
                ram.wdata.eq(word),
            ]
        with m.If(record):
            m.d.sync += self.count.eq(self.count + 1)
            reached = (retire.pc == self.last) & ~retire.trap
            with m.If(reached | (self.count == TRACE_EVENTS - 1)):
                m.d.sync += self.done.eq(1)
