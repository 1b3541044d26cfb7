"""Atomics in main memory: one answer each, AMOs undivided, conditional stores as reserved.

One 32-bit word stands for all: its address is symbolic. The memory may take any time; what it
answers for the word is what was stored there. A reference holds the word and its reservations, as
the accesses say in the order in which they were taken. A simple function takes the place of the
arithmetic of AMOs, which `test_atomics` is about.
"""

import pytest
from amaranth.hdl import Cat, Mux, Signal

from hw.cluster.memory_atomics import MemoryAtomics
from hw.tcdm.amo import is_amo
from hw.tcdm.bus import TcdmOp
from hw.tcdm.reservations import Reservations
from verif.formal.harness import Bench, mutated, prove, reach, refuted
from verif.formal.properties import assume_answering, assume_stream, check_stream
from verif.formal.test_atomics import Mixed, mixed

pytestmark = pytest.mark.slow

HARTS = 2


def merged(word, data, strobe):
    lanes = Cat(bit.replicate(8) for bit in strobe)
    return (data & lanes) | (word & ~lanes)


def bench(old="", new="", **using):
    """Of an atomics unit with `old` replaced, or with the classes `using` in place of its own."""
    unit = mutated(MemoryAtomics, old, new, **{"Amo": Mixed} | using)(harts=HARTS)
    b = Bench(unit)
    port, memory = unit.port, unit.memory
    request, op = port.req.payload, port.req.payload.op
    amo, conditional = is_amo(op), op == TcdmOp.SC
    address = b.symbol(30, "address")

    # The harts' side: one access at a time, whole words when atomic, the same hart while refused.
    assume_stream(b, port.req)
    taken = port.req.valid & port.req.ready
    under_way = Signal()
    b.assume(~(port.req.valid & under_way & ~port.rsp.valid))
    with b.m.If(taken):
        b.m.d.sync += under_way.eq(1)
    with b.m.Elif(port.rsp.valid):
        b.m.d.sync += under_way.eq(0)
    plain = (op == TcdmOp.LOAD) | (op == TcdmOp.STORE)
    b.assume(plain | ((request.addr[:2] == 0) & (request.strobe == 0b1111)))
    b.assume(unit.hart < HARTS)
    b.assume(~b.past(port.req.valid & ~port.req.ready) | (unit.hart == b.past(unit.hart)))

    # The memory's side: its word at the address, and no error there.
    outstanding = assume_answering(b, memory)
    outgoing = memory.req.payload
    goes = memory.req.valid & memory.req.ready
    goes_here = goes & (outgoing.addr[2:] == address)
    held = Signal(32, name="held_by_memory")
    with b.m.If(goes_here & (outgoing.op == TcdmOp.STORE)):
        b.m.d.sync += held.eq(merged(held, outgoing.data, outgoing.strobe))
    loads, asked_here = Signal(), Signal()
    with b.m.If(goes):
        b.m.d.sync += [asked_here.eq(goes_here), loads.eq(outgoing.op == TcdmOp.LOAD)]
    answers_here = memory.rsp.valid & asked_here
    b.assume(~answers_here | ~memory.rsp.error)
    b.assume(~(answers_here & loads) | (memory.rsp.data == held))

    # The reference: the word and its reservations.
    here = taken & (request.addr[2:] == address)
    word = Signal(32, name="reference")
    reserved = Signal(HARTS)
    mine = (reserved >> unit.hart)[0]
    stores = here & (op == TcdmOp.STORE)
    with b.m.If(stores | (here & conditional & mine)):
        b.m.d.sync += word.eq(merged(word, request.data, request.strobe))
    with b.m.If(here & amo):
        b.m.d.sync += word.eq(mixed(word, request.data))
    writes = (stores & request.strobe.any()) | (here & (amo | (conditional & mine)))
    me = (1 << unit.hart)[:HARTS]
    keeps = Mux(writes, me, -1) & ~Mux(taken & (conditional | (op == TcdmOp.LR)), me, 0)
    sets = Mux(here & (op == TcdmOp.LR), me, 0)
    b.m.d.sync += reserved.eq((reserved & keeps) | sets)

    expected = Signal(32)
    known, undivided = Signal(), Signal()  # an answer is expected; it is the one of an AMO
    operand = Signal(32, name="brought")
    with b.m.If(taken):
        b.m.d.sync += [
            expected.eq(Mux(conditional, ~mine, word)),
            known.eq(here & (op != TcdmOp.STORE)),
            undivided.eq(here & amo),
            operand.eq(request.data),
        ]
    b.check("stores_with_a_reservation", ~(here & conditional) | (goes == mine))
    b.check(
        "answer_is_the_word_or_success", ~(port.rsp.valid & known) | (port.rsp.data == expected)
    )
    b.check("no_answer_without_a_request", ~port.rsp.valid | under_way)
    b.check("errors_are_passed_on", ~(memory.rsp.valid & memory.rsp.error) | port.rsp.valid)
    faults = memory.rsp.valid & memory.rsp.error
    b.check("no_other_errors", ~port.rsp.valid | (port.rsp.error == faults))
    b.check("memory_does_one_thing_at_a_time", ~(goes & outstanding) | memory.rsp.valid)
    b.check("loads_and_stores_only", ~goes | (Cat(outgoing.op)[1:] == 0))
    check_stream(b, "memory", memory.req)
    b.cover("an_amo", port.rsp.valid & undivided & (expected != word))
    b.cover("a_conditional_store", here & conditional & mine)
    b.cover("a_lost_reservation", b.past(reserved[0]) & ~reserved[0] & (b.past(unit.hart) == 1))
    b.cover("a_failed_one", port.rsp.valid & known & ~outstanding)

    # Inside: what is under way is with the memory, about to be stored, or refused.
    reading, writing, refused = (b.internal(name) for name in ("reading", "writing", "refused"))
    answer, answered = b.internal("answer"), b.internal("answered")
    changing = undivided & (reading | writing)
    b.invariant("one_place", reading + writing + refused <= 1)
    b.invariant("nothing_is_lost", under_way == (outstanding | writing | refused))
    b.invariant("nothing_is_twice", ~(outstanding & (writing | refused)))
    b.invariant("reads_first", ~reading | (outstanding & loads & ~answered))
    b.invariant("reads_the_word", ~reading | (asked_here == undivided))
    own = b.internal("address")[2:] == address
    b.invariant("writes_the_word", ~(reading | writing) | (own == undivided))
    b.invariant("brings_the_operand", ~changing | (b.internal("operand") == operand))
    b.invariant("amos_are_known", ~undivided | known)
    b.invariant("only_amos_change", ~(reading | writing) | (known == undivided))
    b.invariant("memory_has_the_word", Mux(changing, mixed(held, operand), held) == word)
    b.invariant("amo_gives_what_was", ~changing | (held == expected))
    b.invariant("answer_is_kept", ~(known & answered & under_way) | (answer == expected))
    b.invariant("writing_has_read", ~writing | answered)
    plain_load = known & under_way & ~answered & ~reading
    b.invariant("load_is_under_way", ~plain_load | (outstanding & loads & asked_here))
    b.invariant("load_gives_the_word", ~plain_load | (expected == word))
    for h in range(HARTS):
        valid = b.internal(f"valid_{h}", within="reservations")
        place = b.internal(f"word_{h}", within="reservations")
        b.invariant(f"reservation_{h}", reserved[h] == (valid & (place == address)))
    return b


def test_memory_atomics():
    prove(bench(), "memory-atomics", depth=2)
    reach(bench(), "memory-atomics", depth=8)


PLANTED = [
    ("two answers", "reading & ~response.error", "0", "memory_stays"),
    ("the new word", "amo.old.eq(answer)", "amo.old.eq(amo.operand)", "answer_is"),
    ("an AMO's answer", "Mux(answered, answer, response.data)", "response.data", "answer_is"),
    ("an error is lost", "~refused & response.error", "0", "no_other_errors"),
    ("SC always stores", "conditional & ~held", "0", "stores_with"),
    ("SC never stores", "conditional & ~held", "conditional", "stores_with"),
    ("atomics at the memory", "Mux(stores, TcdmOp.STORE, TcdmOp.LOAD)", "request.op", "loads_and"),
    (
        "own stores break",
        "write.master.eq(self.hart)",
        "write.master.eq(~self.hart)",
        "stores_with",
    ),
    ("AMOs break nothing", "| is_amo(request.op)", "", "stores_with"),
    ("some bytes only", "payload.strobe.eq(0b1111)", "payload.strobe.eq(0b0111)", "answer_is"),
]


@pytest.mark.parametrize("what, old, new, fails", PLANTED, ids=[p[0] for p in PLANTED])
def test_planted(what, old, new, fails):
    assert refuted(bench(old, new), "memory-atomics-planted", depth=8).startswith(fails)


def test_planted_reservations():
    broken = mutated(Reservations, "hart.release | broken", "hart.release")
    failed = refuted(bench(Reservations=broken), "memory-atomics-planted", depth=8)
    assert failed == "stores_with_a_reservation"
