"""A hart's loads and stores: each goes to the one right target, and gets one answer, in order."""

from functools import reduce
from operator import or_

import pytest
from amaranth.hdl import Cat, Signal

from hw.cluster.core_port import CorePort
from hw.config import DEVICE_BASE, MAIN_BASE
from hw.presets import TINY
from hw.regmap import EVENTS
from hw.tcdm.bus import TcdmOp
from verif.formal.harness import Bench, mutated, prove, reach, refuted
from verif.formal.properties import (
    assume_answering,
    assume_stream,
    check_stream,
)

pytestmark = pytest.mark.slow

TARGETS = ("events", "devices", "memory")
DEVICE_BYTES = 1 << 16


def expected_target(request, config):
    """The memory map, said with comparisons: one bit a target, none for a fault."""

    def within(base, size):
        return (request.addr >= base) & (request.addr < base + size)

    plain = (request.op == TcdmOp.LOAD) | (request.op == TcdmOp.STORE)
    events = within(DEVICE_BASE + EVENTS.offset, 4096)
    return {
        "events": plain & events,
        "devices": plain & within(DEVICE_BASE, DEVICE_BYTES) & ~events,
        "memory": within(MAIN_BASE, config.main_bytes),
    }


def bench(port_class):
    config = TINY
    port = port_class(config=config)
    b = Bench(port)
    core = port.core
    request = core.req.payload
    assume_stream(b, core.req)
    taken = core.req.valid & core.req.ready

    # One access at a time, and one answer for each.
    pending = Signal(name="reference_pending")
    with b.m.If(taken):
        b.m.d.sync += pending.eq(1)
    with b.m.Elif(core.rsp.valid):
        b.m.d.sync += pending.eq(0)
    b.check("no_answer_without_a_request", ~core.rsp.valid | pending)
    b.check("one_access_at_a_time", ~(taken & pending) | core.rsp.valid)
    b.invariant("port_pending", b.internal("pending") == pending)

    expected = expected_target(request, config)
    asked = Signal(len(TARGETS), name="asked")  # the target of the access under way
    with b.m.If(taken):
        b.m.d.sync += asked.eq(Cat(expected[name] for name in TARGETS))
    valids = []
    for index, name in enumerate(TARGETS):
        target = getattr(port, name)
        check_stream(b, name, target.req)
        goes = target.req.valid & target.req.ready
        valids.append(target.req.valid)
        b.check(f"{name}_gets_what_is_its", goes == (taken & expected[name]))
        answer = target.rsp.valid
        outstanding = assume_answering(b, target)
        data, error = target.rsp.data, target.rsp.error
        b.invariant(f"{name}_is_asked", outstanding == (pending & asked[index]))
        b.check(
            f"{name}_answers_for_its_own",
            ~(outstanding & answer)
            | (core.rsp.valid & (core.rsp.data == data) & (core.rsp.error == error)),
        )
        b.check(f"{name}_is_waited_for", ~(outstanding & ~answer) | ~core.rsp.valid)
    b.check("at_most_one_target", reduce(or_, (a & c for a, c in pairs(valids))) == 0)
    b.check("who_asks_nobody_faults", ~(pending & (asked == 0)) | (core.rsp.valid & core.rsp.error))
    answering = b.internal("answering")
    number = Signal(2, name="expected_answering")
    for index in range(len(TARGETS)):
        with b.m.If(asked[index]):
            b.m.d.comb += number.eq(index + 1)
    b.invariant("one_is_asked", (asked & (asked - 1)) == 0)
    b.invariant("port_answering", ~pending | (answering == number))
    for name in ("devices", "memory"):
        target = getattr(port, name).req
        b.check(
            f"{name}_request_is_unchanged",
            ~target.valid | (target.payload.as_value() == request.as_value()),
        )
    events = port.events.req.payload
    b.check(
        "events_request_is_unchanged",
        ~port.events.req.valid
        | (
            (events.addr == request.addr[:12])
            & (events.write == (request.op == TcdmOp.STORE))
            & (events.data == request.data)
            & (events.strobe == request.strobe)
        ),
    )
    b.cover("a_fault", core.rsp.valid & (asked == 0))
    b.cover("targets_take_turns", b.past(core.rsp.valid & asked[1]) & core.rsp.valid & asked[0])
    return b


def pairs(values):
    """Every two of `values`."""
    return [(a, c) for i, a in enumerate(values) for c in values[:i]]


def test_core_port():
    prove(bench(CorePort), "core-port", depth=3)
    reach(bench(CorePort), "core-port", depth=5)


PLANTED = [
    (
        "two at a time",
        "free.eq(~pending | self.core.rsp.valid)",
        "free.eq(1)",
        "one_access_at_a_time",
    ),
    (
        "the answer of another",
        "answering.eq(target)",
        "answering.eq(_Target.MEMORY)",
        "events_answers_for_its_own",
    ),
    (
        "atomics on devices",
        "m.If(plain & (addr[_DEVICE_BITS:]",
        "m.If((addr[_DEVICE_BITS:]",
        "devices_gets_what_is_its",
    ),
    (
        "a hidden fault",
        "self.core.rsp.valid.eq(pending), self.core.rsp.error.eq(1)",
        "self.core.rsp.valid.eq(pending)",
        "who_asks_nobody_faults",
    ),
    (
        "too large a memory",
        "addr[main_bits:] == MAIN_BASE >> main_bits",
        "addr[31]",
        "memory_gets_what_is_its",
    ),
]


@pytest.mark.parametrize("what, old, new, fails", PLANTED, ids=[p[0] for p in PLANTED])
def test_planted(what, old, new, fails):
    found = refuted(bench(mutated(CorePort, old, new)), "core-port-planted", depth=5)
    assert found.startswith(fails)
