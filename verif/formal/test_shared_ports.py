"""Ports that several initiators share: data arbiter, device bus, fetch port."""

from functools import reduce
from operator import or_

import pytest
from amaranth.hdl import Array, Cat, Mux, Signal

from hw.cluster.data_arbiter import DataArbiter
from hw.cluster.device_bus import SHARED_BLOCKS, DeviceBus
from hw.cluster.fetch_port import FetchPort
from hw.config import DEVICE_BASE
from hw.presets import TINY
from hw.tcdm.bus import TcdmOp
from verif.formal.harness import Bench, mutated, prove, reach, refuted
from verif.formal.properties import (
    assume_answering,
    assume_answers,
    assume_stream,
    check_answers,
    check_stream,
    check_wait,
)

pytestmark = pytest.mark.slow


def asking_harts(b, harts):
    """Assume harts that ask one thing at a time; return what each has under way."""
    outstanding = Signal(len(harts), name="outstanding")
    for h, hart in enumerate(harts):
        assume_stream(b, hart.req)
        taken = hart.req.valid & hart.req.ready
        b.assume(~(hart.req.valid & outstanding[h] & ~hart.rsp.valid))
        with b.m.If(taken):
            b.m.d.sync += outstanding[h].eq(1)
        with b.m.Elif(hart.rsp.valid):
            b.m.d.sync += outstanding[h].eq(0)
    return outstanding


def arbiter_invariants(b, component, outstanding, *, within=""):
    """Relate the registers of a data arbiter with what its harts see."""
    harts = len(component.hart)
    asking = Cat(hart.req.valid for hart in component.hart)
    answered = b.internal("answered", within=within)
    pending = b.internal("pending", within=within)
    held = b.internal("held", within=within)
    behind = b.internal("behind", within=f"{within}.arbiter".lstrip("."))
    before = ~behind[:harts]
    b.invariant("one_is_outstanding", (outstanding & (outstanding - 1))[:harts] == 0)
    b.invariant("arbiter_pending", pending == outstanding.any())
    b.invariant("arbiter_owner", ~pending | (1 << answered == outstanding))
    b.invariant("who_is_held_asks", (held & ~asking) == 0)
    b.invariant("one_is_held", (held & (held - 1))[:harts] == 0)
    b.invariant("who_is_behind", (before & (before + 1))[:harts] == 0)
    b.invariant("held_had_its_turn", (held == 0) | (behind == (-(held << 1))[:harts]))


def arbiter_bench(arbiter_class, harts=3):
    arbiter = arbiter_class(harts=harts)
    b = Bench(arbiter)
    port = arbiter.port
    outstanding = asking_harts(b, arbiter.hart)
    pending = assume_answering(b, port)
    goes = port.req.valid & port.req.ready
    check_stream(b, "port", port.req)
    takes = [hart.req.valid & hart.req.ready for hart in arbiter.hart]
    b.check("one_access_at_a_time", ~(goes & pending) | port.rsp.valid)
    b.check("taken_is_passed_on", goes == reduce(or_, takes))
    who, other = b.symbol(range(harts), "who"), b.symbol(range(harts), "other")
    b.assume((who < harts) & (other < harts) & (who != other))
    asking = Array(hart.req.valid for hart in arbiter.hart)[who]
    payload = Array(hart.req.payload.as_value() for hart in arbiter.hart)[who]
    ready = Array(hart.req.ready for hart in arbiter.hart)[who]
    taken, another = Array(takes)[who], Array(takes)[other]
    answered = Array(hart.rsp.valid for hart in arbiter.hart)[who]
    word = Array(Cat(h.rsp.data, h.rsp.error) for h in arbiter.hart)[who]
    due = Array(outstanding[h] for h in range(harts))[who]
    b.check("owner_is_whose_request_it_is", ~taken | (arbiter.owner == who))
    b.check("one_hart_at_a_time", ~(taken & another))
    b.check("request_is_unchanged", ~taken | (port.req.payload.as_value() == payload))
    b.check("no_answer_without_a_request", ~answered | due)
    b.check("every_answer_reaches_its_hart", ~(due & port.rsp.valid) | answered)
    b.check("answer_is_unchanged", ~answered | (word == Cat(port.rsp.data, port.rsp.error)))
    b.check("not_ready_without_room", ~(ready & pending) | port.rsp.valid)
    arbiter_invariants(b, arbiter, outstanding)
    b.invariant("outstanding_at_the_port", outstanding.any() == pending)
    # Waiting is counted in accesses of others: the target may take any time for each.
    waited = check_wait(b, "bounded_wait", asking, taken, harts - 1, counts=goes & ~taken)
    # Who has waited for n accesses has at most n others less before it in the order of turns.
    behind, held = b.internal("behind", within="arbiter"), b.internal("held")
    ahead = sum(
        (h != who) & Mux(behind[h] == (behind >> who)[0], h < who, behind[h]) for h in range(harts)
    )
    own = (held >> who)[0]
    b.invariant("turns_go_round", own | (waited + ahead + held.any() <= harts - 1))
    b.cover("in_every_cycle", b.past(goes) & goes & port.rsp.valid)
    return b


def test_data_arbiter():
    prove(arbiter_bench(DataArbiter), "data-arbiter-3", depth=8)
    reach(arbiter_bench(DataArbiter), "data-arbiter-3", depth=8)


ARBITERS = [
    ("nobody is held", "Mux(held.any(), held, asking)", "asking", "port_stays_as_it_is"),
    (
        "two at a time",
        "free.eq(~pending | self.port.rsp.valid)",
        "free.eq(1)",
        "one_access_at_a_time",
    ),
    (
        "an answer to all",
        "self.port.rsp.valid & (answered == index)",
        "self.port.rsp.valid",
        "no_answer",
    ),
    ("a forgotten owner", "answered.eq(arbiter.winner)", "answered.eq(0)", "no_answer"),
    ("a wrong owner", "self.owner.eq(arbiter.winner)", "self.owner.eq(answered)", "owner_is"),
    (
        "ready too soon",
        "arbiter.grant[index] & self.port.req.ready",
        "arbiter.grant[index]",
        "taken_is_passed_on",
    ),
]


@pytest.mark.parametrize("what, old, new, fails", ARBITERS, ids=[p[0] for p in ARBITERS])
def test_planted_data_arbiter(what, old, new, fails):
    found = refuted(arbiter_bench(mutated(DataArbiter, old, new)), "data-arbiter-planted", depth=6)
    assert found.startswith(fails)


def device_bench(bus_class, harts=2):
    bus = bus_class(harts=harts)
    b = Bench(bus)
    outstanding = asking_harts(b, bus.hart)
    goes = []
    for block in SHARED_BLOCKS:
        device = getattr(bus, block.name)
        assume_answers(b, device)
        check_stream(b, block.name, device.req)
        goes.append(device.req.valid & device.req.ready)
    b.check("one_device_at_a_time", (Cat(goes) & (Cat(goes) - 1))[: len(goes)] == 0)
    takes = []
    for h, hart in enumerate(bus.hart):
        taken = hart.req.valid & hart.req.ready
        takes.append(taken)
        check_answers(b, f"hart_{h}", hart)
        payload = hart.req.payload
        plain = (payload.op == TcdmOp.LOAD) | (payload.op == TcdmOp.STORE)
        its = [
            plain
            & (payload.addr >= DEVICE_BASE + block.offset)
            & (payload.addr < DEVICE_BASE + block.offset + 4096)
            for block in SHARED_BLOCKS
        ]
        for block, mine, went in zip(SHARED_BLOCKS, its, goes, strict=True):
            device = getattr(bus, block.name)
            request = device.req.payload
            same = (
                (request.addr == payload.addr[:12])
                & (request.write == (payload.op == TcdmOp.STORE))
                & (request.data == payload.data)
                & (request.strobe == payload.strobe)
            )
            b.check(f"{block.name}_gets_what_hart_{h}_asks", ~(taken & mine) | (went & same))
            b.check(
                f"hart_{h}_gets_what_{block.name}_answers",
                ~b.past(taken & mine)
                | ((hart.rsp.data == device.rsp.data) & (hart.rsp.error == device.rsp.error)),
            )
        fault = ~reduce(or_, its)
        b.check(f"hart_{h}_faults", ~b.past(taken & fault) | hart.rsp.error)
        b.cover(f"hart_{h}_may_fault", b.past(taken & fault))
    b.check("no_access_made_up", reduce(or_, goes) <= reduce(or_, takes))
    arbiter_invariants(b, bus, outstanding, within="arbiter")
    return b


def test_device_bus():
    prove(device_bench(DeviceBus), "device-bus-2", depth=4)
    reach(device_bench(DeviceBus), "device-bus-2", depth=6)


DEVICES = [
    ("a fault unanswered", "faulted.eq(request.valid & fault)", "faulted.eq(0)", "hart_"),
    ("atomics write", "m.If(plain & (request", "m.If((request", "hart_"),
    (
        "wrong strobes",
        "eq(request.payload.strobe)",
        "eq(15)",
        ("engine_gets_what", "host_gets_what"),
    ),
    ("an error is lost", "response.error.eq(device.rsp.error)", "response.error.eq(0)", "hart_"),
]


@pytest.mark.parametrize("what, old, new, fails", DEVICES, ids=[p[0] for p in DEVICES])
def test_planted_device_bus(what, old, new, fails):
    found = refuted(device_bench(mutated(DeviceBus, old, new)), "device-bus-planted", depth=5)
    assert found.startswith(fails)


def fetch_bench(port_class):
    """The core may change or withdraw a fetch; the TCDM port below must not show it."""
    port = port_class(config=TINY)
    b = Bench(port)
    assume_stream(b, port.data.req)
    assume_answers(b, port.tcdm)
    assume_answers(b, port.memory)
    check_stream(b, "tcdm", port.tcdm.req)
    check_answers(b, "data", port.data)
    check_answers(b, "core", port.core)
    data, tcdm = port.data, port.tcdm
    taken = data.req.valid & data.req.ready
    request = data.req.payload.as_value()
    b.check(
        "data_goes_out_unchanged",
        ~taken | (tcdm.req.valid & tcdm.req.ready & (tcdm.req.payload.as_value() == request)),
    )
    b.check("data_comes_back_unchanged", ~data.rsp.valid | (data.rsp.data == tcdm.rsp.data))
    b.check(
        "fetches_only_read",
        ~(tcdm.req.valid & tcdm.req.ready & ~taken) | (tcdm.req.payload.op == TcdmOp.LOAD),
    )
    b.cover("a_word_from_tcdm", port.core.rsp.valid & ~port.core.rsp.error & ~port.memory.rsp.valid)
    return b


def test_fetch_port():
    prove(fetch_bench(FetchPort), "fetch-port", depth=4)
    reach(fetch_bench(FetchPort), "fetch-port", depth=8)


FETCHES = [
    (
        "a load overtakes",
        "asking & (presented | ~self.data.req.valid)",
        "asking & ~self.data.req.valid",
        "tcdm_stays_as_it_is",
    ),
    (
        "an answer for both",
        "self.tcdm.rsp.valid & ~answered",
        "self.tcdm.rsp.valid",
        "data_has_no_other",
    ),
    ("both are taken", "self.tcdm.req.ready & ~fetching", "self.tcdm.req.ready", "data_goes_out"),
    ("no answer outside", "from_tcdm | outside),", "from_tcdm),", "core_is_answered"),
]


@pytest.mark.parametrize("what, old, new, fails", FETCHES, ids=[p[0] for p in FETCHES])
def test_planted_fetch_port(what, old, new, fails):
    found = refuted(fetch_bench(mutated(FetchPort, old, new)), "fetch-port-planted", depth=6)
    assert found.startswith(fails)
