"""The crossbar: every request of every master reaches its bank and is answered, once, in time.

Masters and banks are symbolic: what holds for one that may be any holds for all. What a master
asks for is free, its data included, so "unchanged" is said of all data at once. So is when a bank
is busy: cycles in which the bank that it asks is busy do not count in a master's wait. Here a
store-conditional may become a store or a load; when it becomes which is proven in `test_atomics`.
"""

from functools import reduce
from operator import or_

import pytest
from amaranth.hdl import Array, Cat, Mux, Signal

from hw.config import TcdmConfig
from hw.tcdm.arbiter import RoundRobinArbiter
from hw.tcdm.bank import BankRequest
from hw.tcdm.bus import TcdmOp
from hw.tcdm.crossbar import Crossbar
from hw.tcdm.hash import bank_and_row
from verif.formal.harness import Bench, mutated, prove, reach, refuted
from verif.formal.properties import assume_stream, check_wait

SIZES = {  # masters, harts with a reservation, banks
    "3x2": (3, 2, TcdmConfig(banks=2, bank_bytes=2048)),
    "4x4": (4, 1, TcdmConfig(banks=4, bank_bytes=1024)),
    "2x16": (2, 0, TcdmConfig(banks=16, bank_bytes=512)),  # hashed
}


def bench(crossbar_class, size):
    masters, harts, config = SIZES[size]
    crossbar = crossbar_class(config=config, masters=masters, harts=harts)
    b = Bench(crossbar)
    asks, takes, wants, what, conditionals = [], [], [], [], []
    for i, master in enumerate(crossbar.master):
        assume_stream(b, master.req)
        payload = master.req.payload
        number, row = bank_and_row(config, payload.addr)
        request = Signal(BankRequest(config), name=f"expected_{i}")
        wanted = Signal(config.bank_bits, name=f"wanted_{i}")
        b.m.d.comb += [
            wanted.eq(number),
            request.op.eq(payload.op),
            request.row.eq(row),
            request.data.eq(payload.data),
            request.strobe.eq(payload.strobe),
        ]
        asks.append(master.req.valid)
        takes.append(master.req.valid & master.req.ready)
        wants.append(wanted)
        what.append(request.as_value())
        conditionals.append(payload.op == TcdmOp.SC)

    # One master, one other, and one bank: any of them.
    who, other = b.symbol(range(masters), "who"), b.symbol(range(masters), "other")
    bank = b.symbol(range(config.banks), "bank")
    b.assume((who < masters) & (other < masters) & (who != other))
    ready = Array(master.req.ready for master in crossbar.master)[who]
    asking, taken, wanted = Array(asks)[who], Array(takes)[who], Array(wants)[who]
    bank_asked = Array(port.valid for port in crossbar.bank)
    bank_word = Array(port.rdata for port in crossbar.bank)
    bank_busy = Array(port.busy for port in crossbar.bank)
    conditional = Array(conditionals)[who]
    meant = Signal(BankRequest(config))
    went = Signal(BankRequest(config))
    b.m.d.comb += [
        meant.eq(Array(what)[who]),
        went.eq(Array(port.request.as_value() for port in crossbar.bank)[wanted]),
    ]
    stores = went.op == TcdmOp.STORE

    asked = reduce(or_, (a & (w == bank) for a, w in zip(asks, wants, strict=True)))
    served = reduce(or_, (t & (w == bank) for t, w in zip(takes, wants, strict=True)))
    b.check("grant_implies_request", ~ready | asking)
    b.check("bank_idle_only_without_requests", bank_asked[bank] == asked & ~bank_busy[bank])
    b.check("bank_serves_somebody", ~bank_asked[bank] | served)
    b.check(
        "at_most_one_grant_a_bank",
        ~(taken & Array(takes)[other] & (wanted == Array(wants)[other])),
    )
    same = [went[name] == meant[name] for name in ("data", "strobe", "row")]
    b.check("request_is_routed_unchanged", ~taken | Cat(same).all())
    b.check("operation_is_kept", ~taken | conditional | (went.op == meant.op))
    b.check(
        "conditional_stores_or_loads", ~(taken & conditional) | stores | (went.op == TcdmOp.LOAD)
    )
    responses = Array(master.rsp.valid for master in crossbar.master)
    b.check("one_response_a_cycle_later_and_no_other", responses[who] == b.past(taken))
    word = Array(master.rsp.data for master in crossbar.master)[who]
    b.check(
        "response_is_the_word_of_its_bank",
        ~responses[who] | b.past(conditional) | (word == bank_word[b.past(wanted)]),
    )
    stored = b.past(stores)
    b.check(
        "response_says_whether_it_stored",
        ~(responses[who] & b.past(conditional)) | (word == Mux(stored, 0, 1 << 32 | 1)),
    )
    busy = bank_busy[wanted]
    waited = check_wait(b, "bounded_wait", asking, taken, masters - 1, counts=~busy)
    # Who has waited for n turns has at most n others less before it in the order of turns.
    orders = [b.internal("behind", within=f"arbiter_{i}") for i in range(config.banks)]
    behind = Array(orders)[wanted]
    ahead = sum(
        (h != who) & Mux(behind[h] == (behind >> who)[0], h < who, behind[h])
        for h in range(masters)
    )
    b.invariant("turns_go_round", waited + ahead <= masters - 1)
    for i, order in enumerate(orders):
        before = ~order[:masters]
        b.invariant(f"who_is_behind_{i}", (before & (before + 1))[:masters] == 0)
    b.cover("waits_while_busy", b.past(asking & ~taken & busy) & taken)
    if harts:
        b.cover("a_conditional_stores", taken & conditional & stores)
    b.cover("all_ask_one_bank", Cat(asks).all() & reduce(or_, (w == 1 for w in wants)))
    b.cover("two_are_served_at_once", taken & Array(takes)[other])
    return b


def test_small():
    """In `make test` too."""
    prove(bench(Crossbar, "3x2"), "crossbar-3x2", depth=3)


@pytest.mark.slow
def test_small_covers():
    reach(bench(Crossbar, "3x2"), "crossbar-3x2", depth=5)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["4x4", "2x16"])
def test_sizes(size):
    prove(bench(Crossbar, size), f"crossbar-{size}", depth=3)
    reach(bench(Crossbar, size), f"crossbar-{size}", depth=6)


PLANTED = [
    ("the word of another bank", "words[source]", "words[numbers[i]]", "response_is_the_word"),
    ("a response to nobody", "answered.eq(granted)", "answered.eq(-1)", "one_response"),
    ("a response too few", "answered.eq(granted)", "answered.eq(granted & ~answered)", "one_resp"),
    ("ready without valid", "ready.eq(granted[i])", "ready.eq(~granted[i - 1])", "grant_implies"),
    ("another's request", "_fill(requests)[arbiter.winner]", "requests[0]", "request_is_routed"),
    ("a lost strobe", "strobe.eq(payload.strobe)", "strobe.eq(payload.strobe[1:])", "request_is"),
    ("a grant of a busy bank", "Mux(bank.busy, 0, Cat(", "Mux(0, 0, Cat(", "bank_idle_only"),
    ("no answer to an SC", "Mux(conditional, Cat(failed", "Mux(0, Cat(failed", "response_says"),
    (
        "an answer to all",
        "Mux(conditional, Cat(failed",
        "Mux(1, Cat(failed",
        "response_is_the_word",
    ),
    ("the wrong answer", "failed.eq(~succeeds[i])", "failed.eq(succeeds[i])", "response_says"),
    ("an SC at the bank", "m.If(payload.op == TcdmOp.SC)", "m.If(0)", "conditional_stores"),
    ("a bank asked for nothing", "arbiter.request.any()", "1", "bank_idle_only"),
]


@pytest.mark.slow
@pytest.mark.parametrize("what, old, new, fails", PLANTED, ids=[p[0] for p in PLANTED])
def test_planted(what, old, new, fails):
    broken = mutated(Crossbar, old, new)
    assert refuted(bench(broken, "3x2"), "crossbar-planted", depth=6).startswith(fails)


ARBITERS = [
    ("always the lowest", "behind.eq(-(self.grant << 1))", "behind.eq(0)", "bounded_wait"),
    ("two at once", "value & -value", "value & value", "at_most_one_grant_a_bank"),
    ("an idle cycle", "Mux(preferred.any(), preferred, self.request)", "preferred", "bank_serves"),
]


@pytest.mark.slow
@pytest.mark.parametrize("what, old, new, fails", ARBITERS, ids=[p[0] for p in ARBITERS])
def test_planted_arbiter(what, old, new, fails):
    broken = mutated(Crossbar, RoundRobinArbiter=mutated(RoundRobinArbiter, old, new))
    assert refuted(bench(broken, "3x2"), "crossbar-planted", depth=8).startswith(fails)
