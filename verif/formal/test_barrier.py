"""The event unit: the barrier ends with the last arrival, once for everybody; other loads answer.

The reference is written down here once more: who has started, whom software listed, who waits. The
checks that the unit's registers equal the reference's are the invariant of the induction.
"""

import pytest
from amaranth.hdl import Array, Cat, Mux, Signal

from hw.cluster.events import EventUnit
from hw.regmap import EVENTS
from verif.formal.harness import Bench, mutated, prove, reach, refuted
from verif.formal.properties import assume_stream

pytestmark = pytest.mark.slow

BARRIER = EVENTS["barrier"].offset
MEMBERS = EVENTS["barrier_members"].offset


def bench(unit_class, harts):
    unit = unit_class(harts=harts)
    b = Bench(unit)
    every = range(harts)
    outstanding = Signal(harts, name="outstanding")  # a request taken and not answered
    at_barrier = Signal(harts, name="at_barrier")  # the same, of a barrier load
    started = Signal(harts, name="reference_started")
    listed = Signal(harts, name="reference_listed")
    written = Signal(name="reference_written")
    members = Signal(harts, name="reference_members")
    done = Signal(name="reference_done")
    taken = [port.req.valid & port.req.ready for port in unit.port]
    answers = Cat(port.rsp.valid for port in unit.port)
    b.m.d.comb += [
        members.eq(Mux(written, listed, started)),
        done.eq((members & ~at_barrier) == 0),
    ]
    b.m.d.sync += started.eq(started | unit.start)
    for h, port in enumerate(unit.port):
        request = port.req.payload
        assume_stream(b, port.req)
        # A hart has one access under way; the next one may start when the last is answered.
        b.assume(~(port.req.valid & outstanding[h] & ~port.rsp.valid))
        load = ~request.write & (request.addr & ~3 == BARRIER)
        with b.m.If(taken[h]):
            b.m.d.sync += [outstanding[h].eq(1), at_barrier[h].eq(load)]
            sets = request.write & (request.addr == MEMBERS) & request.strobe.all()
            with b.m.If(sets):
                b.m.d.sync += [written.eq(1), listed.eq(request.data)]
        with b.m.Elif(port.rsp.valid):
            b.m.d.sync += [outstanding[h].eq(0), at_barrier[h].eq(0)]

    who = b.symbol(range(harts), "who")
    b.assume(who < harts)
    answered = Array(port.rsp.valid for port in unit.port)[who]
    waits = Array(at_barrier[h] for h in every)[who]
    pending = Array(outstanding[h] for h in every)[who]
    member = Array(members[h] for h in every)[who]
    data = Array(port.rsp.data for port in unit.port)[who]
    error = Array(port.rsp.error for port in unit.port)[who]
    b.check("released_with_the_last_arrival", ~(waits & done) | answered)
    b.check("held_until_the_last_arrival", ~(waits & member & ~done) | ~answered)
    b.check("who_is_no_member_does_not_wait", ~(waits & ~member) | answered)
    b.check("barrier_loads_give_0", ~(waits & answered) | ((data == 0) & ~error))
    b.check("no_answer_without_a_request", ~answered | pending)
    b.check("other_registers_answer_in_a_cycle", ~(pending & ~waits) | answered)
    b.invariant("barrier_loads_are_outstanding", (at_barrier & ~outstanding) == 0)
    b.invariant("unit_waiting", b.internal("waiting") == at_barrier)
    b.invariant("unit_answered", b.internal("answered") == (outstanding & ~at_barrier))
    b.invariant("unit_started", b.internal("started") == started)
    b.invariant("unit_written", b.internal("written") == written)
    b.invariant("unit_listed", ~written | (b.internal("listed") == listed))
    everybody = (1 << harts) - 1
    b.cover("all_are_released_at_once", (at_barrier == everybody) & (answers == everybody))
    b.cover("somebody_waits", b.past(waits & ~answered) & waits & answered)
    b.cover("released_twice", b.past(waits & answered) & waits & answered & (members == everybody))
    b.cover("members_are_listed", written & (listed == 0b101) & waits & ~answered)
    return b


def test_barrier():
    prove(bench(EventUnit, 3), "barrier-3", depth=3)
    reach(bench(EventUnit, 3), "barrier-3", depth=8)


PLANTED = [
    ("one too early", "(waiting & members) == members", "(waiting & members).any()", "held_until"),
    ("an arrival is forgotten", "(waiting & ~released) | arriving", "arriving", "released_with"),
    ("released again", "(waiting & ~released) | arriving", "waiting | arriving", "held_until"),
    ("a stranger waits", "released.eq(waiting & ~members)", "released.eq(0)", "who_is_no_member"),
    ("some wait on", "released.eq(waiting)", "released.eq(waiting & members[1:])", "released_with"),
    ("a forgotten start", "started.eq(started | self.start)", "started.eq(self.start)", "held_"),
    (
        "no answer",
        "answered.eq(arbiter.grant)",
        "answered.eq(arbiter.grant & 6)",
        "other_registers",
    ),
]


@pytest.mark.parametrize("what, old, new, fails", PLANTED, ids=[p[0] for p in PLANTED])
def test_planted(what, old, new, fails):
    broken = mutated(EventUnit, old, new)
    assert refuted(bench(broken, 3), "barrier-planted", depth=6).startswith(fails)
