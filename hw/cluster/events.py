"""Interrupts, events and the barrier of a cluster's harts."""

from dataclasses import replace

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.common.register_bank import RegisterBank
from hw.common.register_bus import RegisterSignature
from hw.regmap import EVENTS, MAX_HARTS
from hw.tcdm.arbiter import RoundRobinArbiter

_ENGINE, _DMA, _SOFTWARE = (field.low for field in EVENTS["event_enable"].fields)
_EVENT_COUNT = len(EVENTS["event_enable"].fields)


def _block(harts):
    """Return the event unit's registers for that many harts; the members are kept here."""
    registers = []
    for register in EVENTS.registers:
        if register.count == MAX_HARTS:
            register = replace(register, count=harts)
        if register.name == "barrier_members":
            register = replace(register, access="w1c")
        registers.append(register)
    return replace(EVENTS, registers=tuple(registers))


class EventUnit(wiring.Component):
    """Software, timer and external interrupts, events, and a barrier over any subset of harts.

    Every hart has a port of its own, because a load of `barrier` is answered only when every
    member of the barrier has issued one; then all of them are, exactly once each. A hart that is
    no member is answered at once. The members are the harts started, until software writes
    `barrier_members`; a change of members counts at once for those who wait. The loads give 0.

    An event that is set in the cycle in which it is cleared stays set. The registers of a hart
    that is not there answer with `error`, as every address without a register does.

    Parameters
    ----------
    harts : int
        1 to 16.

    Members
    -------
    port : In(RegisterSignature).array(harts); a barrier load's response comes when it ends
    start : In(harts); bit h is high, for a cycle or longer, when hart h starts
    engine : In; `valid` for a cycle and `mask` of the harts that get the engine event
    interrupts : Out.array(harts); `software`, `timer` and `external` (level) of each hart

    Timing
    ------
    Other registers: one access a cycle in all, round robin, the response one cycle after it is
    taken. The barrier takes any number of loads a cycle and answers in the cycle after the last.

    Raises
    ------
    ValueError
        When `harts` is out of range.
    """

    def __init__(self, *, harts):
        if not isinstance(harts, int) or not 1 <= harts <= MAX_HARTS:
            raise ValueError(f"harts is {harts!r}, but must be an integer from 1 to {MAX_HARTS}")
        self._harts = harts
        super().__init__(
            {
                "port": In(RegisterSignature()).array(harts),
                "start": In(harts),
                "engine": In(wiring.Signature({"valid": Out(1), "mask": Out(32)})),
                "interrupts": Out(
                    wiring.Signature({"software": Out(1), "timer": Out(1), "external": Out(1)})
                ).array(harts),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.bank = bank = RegisterBank(_block(self._harts))
        arriving = Signal(self._harts)
        released = Signal(self._harts)
        self._share_bank(m, bank, arriving, released)
        self._barrier(m, bank, arriving, released)
        self._interrupts(m, bank)
        return m

    def _each(self, member):
        """Return a per-hart member of the bank as a list, also when there is one hart."""
        return [member] if self._harts == 1 else list(member)

    def _share_bank(self, m, bank, arriving, released):
        m.submodules.arbiter = arbiter = RoundRobinArbiter(requests=self._harts)
        answered = Signal(self._harts)
        m.d.comb += bank.bus.req.valid.eq(arbiter.grant.any())
        m.d.sync += answered.eq(arbiter.grant)
        for index, port in enumerate(self.port):
            request = port.req.payload
            at_barrier = ~request.write & (request.addr[2:] == EVENTS["barrier"].offset >> 2)
            m.d.comb += [
                arriving[index].eq(port.req.valid & at_barrier),
                arbiter.request[index].eq(port.req.valid & ~at_barrier),
                port.req.ready.eq(at_barrier | arbiter.grant[index]),
            ]
            with m.If(arbiter.grant[index]):
                m.d.comb += bank.bus.req.payload.eq(request)
            with m.If(released[index]):
                m.d.comb += port.rsp.valid.eq(1)
            with m.Elif(answered[index]):
                m.d.comb += [
                    port.rsp.valid.eq(1),
                    port.rsp.data.eq(bank.bus.rsp.data),
                    port.rsp.error.eq(bank.bus.rsp.error),
                ]

    def _barrier(self, m, bank, arriving, released):
        started = Signal(self._harts)
        members = Signal(self._harts)
        listed = Signal(self._harts)
        written = Signal()
        waiting = Signal(self._harts)
        m.d.sync += started.eq(started | self.start)
        with m.If(bank.barrier_members_write):
            m.d.sync += [written.eq(1), listed.eq(bank.barrier_members_data)]
        m.d.comb += [
            members.eq(Mux(written, listed, started)),
            released.eq(waiting & ~members),
            bank.barrier.eq(0),
            bank.barrier_members.eq(members),
            bank.hart_count.eq(self._harts),
            bank.hart_started.eq(started),
        ]
        with m.If((waiting & members) == members):
            m.d.comb += released.eq(waiting)
        m.d.sync += waiting.eq((waiting & ~released) | arriving)

    def _interrupts(self, m, bank):
        time = Signal(64)
        m.d.sync += time.eq(time + 1)
        m.d.comb += [bank.mtime_low.eq(time[:32]), bank.mtime_high.eq(time[32:])]
        software_set = Signal(self._harts)
        with m.If(bank.event_set_write):
            m.d.comb += software_set.eq(bank.event_set_data)
        hart_registers = zip(
            *(
                self._each(getattr(bank, name))
                for name in (
                    "msip",
                    "mtimecmp_low",
                    "mtimecmp_high",
                    "event_enable",
                    "event_pending",
                    "event_pending_write",
                )
            ),
            strict=True,
        )
        for index, (msip, low, high, enable, shown, clears) in enumerate(hart_registers):
            pending = Signal(_EVENT_COUNT, name=f"pending_{index}")
            raised = Signal(_EVENT_COUNT, name=f"raised_{index}")
            m.d.comb += [
                raised[_ENGINE].eq(self.engine.valid & self.engine.mask[index]),
                raised[_DMA].eq(0),
                raised[_SOFTWARE].eq(software_set[index]),
                shown.eq(pending),
                self.interrupts[index].software.eq(msip[0]),
                self.interrupts[index].timer.eq(time >= Cat(low, high)),
                self.interrupts[index].external.eq((pending & enable).any()),
            ]
            kept = Mux(clears, ~bank.event_pending_data[:_EVENT_COUNT], ~C(0, _EVENT_COUNT))
            m.d.sync += pending.eq((pending & kept) | raised)
        return m
