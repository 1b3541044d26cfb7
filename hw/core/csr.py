"""Control and status registers, trap entry and interrupts."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import CoreConfig
from hw.core.loops import LOOPS, Loop
from hw.core.ports import InterruptSignature
from hw.core.types import CsrOp, Interrupt, TrapRequest

EVENTS = 8
"""Events that performance counters can count; `hw.core.types.CoreEvent` names them."""

LOOP_REGISTERS = 0xCC0
"""Start, end and count of loop 0; those of loop 1 are 4 further."""


def misa(core):
    """What `misa` reads: 32 bits, I, and M and A where a `CoreConfig` has them."""
    letters = "I" + "M" * core.m + "A" * core.a
    return 1 << 30 | sum(1 << (ord(letter) - ord("A")) for letter in letters)


PRIORITY = (Interrupt.EXTERNAL, Interrupt.SOFTWARE, Interrupt.TIMER)
"""Which interrupt wins when several are pending."""


class Csrs(wiring.Component):
    """Machine-mode CSRs of RISC-V, privileged manual chapter 3.

    `mstatus` (MIE, MPIE; MPP always machine), `misa`, `mie`, `mip`, `mtvec` (direct and
    vectored), `mscratch`, `mepc`, `mcause`, `mtval`, `mhartid`, `mvendorid`, `marchid`, `mimpid`
    and `mconfigptr` (0), `mstatush` (0), `mcycle`, `minstret` with `mcountinhibit`, and their
    shadows `cycle` and `instret`. `mcycle` counts while `counting` is high: not before the start
    and not in `wfi`. From `mhpmcounter3` on there are `event_counters` 64-bit counters; each
    counts the cycles with any of the events whose bits are set in its `mhpmevent`. The others and
    their selectors read as 0. With hardware loops their registers can be read (CORE-V: 0xCC0 to
    0xCC6).

    Parameters
    ----------
    core : CoreConfig

    Members
    -------
    addr : In(12)
    op : In(2), a `CsrOp`
    operand : In(32)
    writes : In(1), the instruction writes (all but set and clear of nothing)
    commit : In(1), perform the write
    value : Out(32), what the register holds
    legal : Out(1), the access is allowed
    trap : In; with `valid`, enter the trap of `request`
    vector : Out(32), where `trap.request` is handled; an interrupt is the pending one
    leave : In(1), return from a trap (`mret`)
    epc : Out(32), `mepc`
    counted : Out(1), the instruction will count in `minstret`: it does not write that itself
    retired : In(1), an instruction retired that counts
    counting : In(1), the core is running
    events : In(8), what happens in this cycle; bits are `CoreEvent`s
    loops : In(Loop).array(2)
    interrupts : In(InterruptSignature)
    pending : Out(1), an interrupt is to be taken
    pending_code : Out(5), which
    wake : Out(1), an interrupt enabled in `mie` is pending, whatever `mstatus` says
    hart_id : In(32)

    Timing
    ------
    `value`, `legal`, `vector` are combinational; writes and traps show in the next cycle.
    Interrupt levels are sampled: they act one cycle later. A write to a counter replaces that
    cycle's increment.
    """

    def __init__(self, *, core: CoreConfig):
        self._core = core
        super().__init__(
            {
                "addr": In(12),
                "op": In(2),
                "operand": In(32),
                "writes": In(1),
                "commit": In(1),
                "value": Out(32),
                "legal": Out(1),
                "trap": In(wiring.Signature({"valid": Out(1), "request": Out(TrapRequest)})),
                "vector": Out(32),
                "leave": In(1),
                "epc": Out(32),
                "counted": Out(1),
                "retired": In(1),
                "counting": In(1),
                "events": In(EVENTS),
                "loops": In(Loop).array(LOOPS),
                "interrupts": In(InterruptSignature()),
                "pending": Out(1),
                "pending_code": Out(5),
                "wake": Out(1),
                "hart_id": In(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Only the bits that exist; the rest is put together on reads.
        mie_bit = Signal()
        mpie_bit = Signal()
        enabled = {source: Signal(name=f"enable_{source.name}") for source in Interrupt}
        raised = {source: Signal(name=f"raised_{source.name}") for source in Interrupt}
        base = Signal(30)
        vectored = Signal()
        scratch = Signal(32)
        epc = Signal(30)
        cause_interrupt = Signal()
        cause_code = Signal(5)
        tval = Signal(32)
        inhibit_cycle = Signal()
        inhibit_instret = Signal()
        numbers = range(3, 3 + self._core.event_counters)
        selected = {n: Signal(EVENTS, name=f"mhpmevent{n}") for n in numbers}
        inhibit_events = {n: Signal(name=f"inhibit_{n}") for n in numbers}
        new = Signal(32)
        known = Signal()

        written = self.commit & self.writes

        def at(bits):
            """A 32-bit word with the given bits in their places."""
            return Cat(bits.get(i, C(0, 1)) for i in range(32))

        def register(address, value, write=()):
            """One readable register; `write` is done when it is written."""
            with m.Case(address):
                m.d.comb += [self.value.eq(value), known.eq(1)]
                with m.If(written):
                    m.d.sync += write

        m.d.sync += [
            raised[Interrupt.SOFTWARE].eq(self.interrupts.software),
            raised[Interrupt.TIMER].eq(self.interrupts.timer),
            raised[Interrupt.EXTERNAL].eq(self.interrupts.external),
        ]
        mcycle, write_mcycle = _counter(m, "mcycle", self.counting, inhibit_cycle)
        minstret, write_minstret = _counter(m, "minstret", self.retired, inhibit_instret)
        counters = {}
        for n in numbers:
            happens = (selected[n] & self.events).any()
            counters[n] = _counter(m, f"mhpmcounter{n}", happens & self.counting, inhibit_events[n])

        with m.Switch(self.addr):
            register(
                0x300,
                at({3: mie_bit, 7: mpie_bit, 11: C(1, 1), 12: C(1, 1)}),
                [mie_bit.eq(new[3]), mpie_bit.eq(new[7])],
            )
            register(0x301, C(misa(self._core), 32))
            register(0x304, at(enabled), [enabled[s].eq(new[s]) for s in Interrupt])
            register(0x305, Cat(vectored, C(0, 1), base), [base.eq(new[2:]), vectored.eq(new[0])])
            register(0x310, C(0, 32))
            register(
                0x320,
                at({0: inhibit_cycle, 2: inhibit_instret} | inhibit_events),
                [
                    inhibit_cycle.eq(new[0]),
                    inhibit_instret.eq(new[2]),
                    *(bit.eq(new[number]) for number, bit in inhibit_events.items()),
                ],
            )
            register(0x340, scratch, scratch.eq(new))
            register(0x341, Cat(C(0, 2), epc), epc.eq(new[2:]))
            register(
                0x342,
                Cat(cause_code, C(0, 26), cause_interrupt),
                [cause_code.eq(new[:5]), cause_interrupt.eq(new[31])],
            )
            register(0x343, tval, tval.eq(new))
            register(0x344, at(raised))
            register(0xB00, mcycle[:32], write_mcycle(Cat(new, mcycle[32:])))
            register(0xB80, mcycle[32:], write_mcycle(Cat(mcycle[:32], new)))
            register(0xB02, minstret[:32], write_minstret(Cat(new, minstret[32:])))
            register(0xB82, minstret[32:], write_minstret(Cat(minstret[:32], new)))
            register(0xC00, mcycle[:32])
            register(0xC80, mcycle[32:])
            register(0xC02, minstret[:32])
            register(0xC82, minstret[32:])
            register(0xF14, self.hart_id)
            with m.Case(0xF11, 0xF12, 0xF13, 0xF15):
                m.d.comb += known.eq(1)
            for n, (counter, write) in counters.items():
                low, high = counter[:32], counter[32:]
                register(0xB00 + n, low, write(Cat(new, high)))
                register(0xB80 + n, high, write(Cat(low, new)))
                register(0x320 + n, selected[n], selected[n].eq(new))
            absent = [n for n in range(3, 32) if n not in counters]
            with m.Case(*(first + n for first in (0xB00, 0xB80, 0x320) for n in absent)):
                m.d.comb += known.eq(1)
            if self._core.xcv_hwlp:
                for number, loop in enumerate(self.loops):
                    for place, value in enumerate((loop.start, loop.end, loop.count)):
                        register(LOOP_REGISTERS + 4 * number + place, value)
        m.d.comb += self.legal.eq(known & ~(self.writes & (self.addr[10:] == 0b11)))
        writes_instret = (self.addr == 0xB02) | (self.addr == 0xB82)
        m.d.comb += self.counted.eq(~(self.writes & writes_instret))
        with m.Switch(self.op):
            with m.Case(CsrOp.SET):
                m.d.comb += new.eq(self.value | self.operand)
            with m.Case(CsrOp.CLEAR):
                m.d.comb += new.eq(self.value & ~self.operand)
            with m.Default():
                m.d.comb += new.eq(self.operand)

        request = self.trap.request
        with m.If(self.trap.valid):
            m.d.sync += [
                mpie_bit.eq(mie_bit),
                mie_bit.eq(0),
                epc.eq(request.pc[2:]),
                cause_interrupt.eq(request.interrupt),
                cause_code.eq(request.code),
                tval.eq(request.value),
            ]
        with m.Elif(self.leave):
            m.d.sync += [mie_bit.eq(mpie_bit), mpie_bit.eq(1)]

        # The sum is made beside the decision that there is an interrupt.
        vector = (base + self.pending_code)[:30]
        m.d.comb += [
            self.vector.eq(Cat(C(0, 2), Mux(vectored & request.interrupt, vector, base))),
            self.epc.eq(Cat(C(0, 2), epc)),
            self.wake.eq(Cat(raised[s] & enabled[s] for s in Interrupt).any()),
            self.pending.eq(self.wake & mie_bit),
        ]
        for source in reversed(PRIORITY):
            with m.If(raised[source] & enabled[source]):
                m.d.comb += self.pending_code.eq(source)
        return m


def _counter(m, name, counts, inhibited):
    """Return a 64-bit counter's value, and what gives the statements that write it.

    What counts in a cycle is known late in it, so it waits a cycle in front of the adder. There an
    instruction that inhibits the counter inhibits its own count too.
    """
    stored = Signal(64, name=name)
    one_more = Signal(name=f"{name}_one_more")
    value = Signal(64, name=f"{name}_value")
    m.d.comb += value.eq(stored + (one_more & ~inhibited))
    m.d.sync += [stored.eq(value), one_more.eq(counts)]
    return value, lambda new: [stored.eq(new), one_more.eq(0)]
