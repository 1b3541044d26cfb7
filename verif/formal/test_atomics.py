"""Atomics in the scratchpad: an AMO is one, and a store-conditional means what it answers.

Two proofs make it one. In the crossbar the harts' reservations are those that the requests say, in
the order in which they were taken: one symbolic 32-bit word stands for all. In a bank an AMO gives
the word as it was and leaves the outcome: one symbolic row stands for all, the memory is real. That
nobody comes between the halves of an AMO is the crossbar's proof (`test_crossbar`): a busy bank is
not asked. The arithmetic is proven apart; in the bank a simple function takes its place.
"""

import pytest
from amaranth.hdl import Array, C, Cat, Module, Mux, Signal

from hw.config import TcdmConfig
from hw.tcdm.amo import Amo, is_amo
from hw.tcdm.bank import Bank
from hw.tcdm.bus import TcdmOp
from hw.tcdm.crossbar import Crossbar
from hw.tcdm.hash import bank_and_row
from hw.tcdm.reservations import Reservations
from verif.formal.harness import Bench, mutated, prove, reach, refuted
from verif.formal.properties import assume_stream

pytestmark = pytest.mark.slow

CONFIG = TcdmConfig(banks=2, bank_bytes=2048)
HARTS = 2
MASTERS = 3


class Rows:
    """A bank with fewer rows than a configuration allows: none is different from the others."""

    row_bits = 2
    bank_depth = 4


def mixed(old, operand):
    """Stand for the outcome of an AMO."""
    return old.rotate_left(1) ^ operand


class Mixed(Amo):
    """An AMO unit that gives it."""

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.result.eq(mixed(self.old, self.operand))
        return m


def halves_of(strobe):
    return strobe[:4].any(), strobe[4:].any()


def keeps_to_halves(op, strobe):
    """What an atomic may ask: its strobes are one half, all of it."""
    plain = (op == TcdmOp.LOAD) | (op == TcdmOp.STORE)
    return plain | (strobe == 0x0F) | (strobe == 0xF0)


def reservations_bench(crossbar_class=Crossbar, **using):
    """A store-conditional stores exactly with an unbroken reservation of its hart."""
    crossbar_class = mutated(crossbar_class, **using) if using else crossbar_class
    crossbar = crossbar_class(config=CONFIG, masters=MASTERS, harts=HARTS)
    b = Bench(crossbar)
    address = b.symbol(CONFIG.addr_width - 3, "address")
    half = b.symbol(1, "half")
    reserved = [Signal(name=f"reserved_{h}") for h in range(HARTS)]  # of the word
    number, row = bank_and_row(CONFIG, Cat(Signal(3), address))
    bank_op = Signal(TcdmOp)  # what the word's bank is asked
    b.m.d.comb += bank_op.eq(Array(bank.request.op.as_value() for bank in crossbar.bank)[number])
    for i, master in enumerate(crossbar.master):
        assume_stream(b, master.req)
        payload = master.req.payload
        op, strobe = payload.op, payload.strobe
        b.assume(keeps_to_halves(op, strobe))
        taken = master.req.valid & master.req.ready
        here = taken & (payload.addr[3:] == address) & Mux(half, *halves_of(strobe)[::-1])
        held = reserved[i] if i < HARTS else C(0)
        conditional = op == TcdmOp.SC
        with b.m.If(here & ((op == TcdmOp.STORE) | is_amo(op) | (conditional & held))):
            for h in range(HARTS):
                if h != i:
                    b.m.d.sync += reserved[h].eq(0)
        if i < HARTS:
            with b.m.If(taken & (conditional | (op == TcdmOp.LR))):
                b.m.d.sync += reserved[i].eq(here & ~conditional)
        b.check(
            f"master_{i}_stores_with_a_reservation",
            ~(here & conditional) | ((bank_op == TcdmOp.STORE) == held),
        )
        success = b.past(here & conditional & held)
        failure = b.past(here & conditional & ~held)
        b.check(f"master_{i}_sees_success", ~success | (master.rsp.data == 0))
        b.check(f"master_{i}_sees_failure", ~failure | (master.rsp.data == (1 << 32 | 1)))
        if i < HARTS:
            b.cover(f"master_{i}_stores_conditionally", success)
            lost = b.past(reserved[i]) & ~reserved[i] & ~b.past(taken)
            b.cover(f"master_{i}_loses_its_reservation", lost)
            own = b.past(here & (op == TcdmOp.STORE)) & b.past(reserved[i]) & reserved[i]
            b.cover(f"master_{i}_keeps_it_through_its_store", own)
    for h in range(HARTS):
        valid = b.internal(f"valid_{h}", within="reservations")
        word = b.internal(f"word_{h}", within="reservations")
        b.invariant(f"reservation_{h}", reserved[h] == (valid & (word == Cat(half, row, number))))
    return b


def bank_bench(bank_class=Bank):
    """Whatever a bank is asked while it is not busy: one row holds what the requests left."""
    bank = mutated(bank_class, Amo=Mixed) if bank_class is Bank else bank_class
    bank = bank(config=Rows)
    b = Bench(bank)
    port, request = bank.port, bank.port.request
    op, strobe, data = request.op, request.strobe, request.data
    b.assume(~(port.valid & port.busy))
    b.assume(keeps_to_halves(op, strobe))
    symbol = b.symbol(Rows.row_bits, "row")
    word = Signal(64, name="reference")
    here = port.valid & (request.row == symbol)
    old = Mux(strobe[4], word[32:], word[:32])
    outcome = mixed(old, Mux(strobe[4], data[32:], data[:32]))
    lanes = Cat(bit.replicate(8) for bit in strobe)
    written = Mux(is_amo(op), outcome.replicate(2), data)
    with b.m.If(here & ((op == TcdmOp.STORE) | is_amo(op))):
        b.m.d.sync += word.eq((written & lanes) | (word & ~lanes))
    reads = here & (op != TcdmOp.STORE)
    b.check("reads_the_word", ~b.past(reads) | (port.rdata == b.past(word)))
    b.check("busy_after_an_amo_only", port.busy == b.past(port.valid & is_amo(op)))
    b.cover("adds", b.past(here & is_amo(op)) & (b.past(word[:16]) == 0xA55A))
    b.cover("two_in_a_row", b.past(b.past(here & is_amo(op))) & here & is_amo(op))

    # The invariant: memory holds the reference, or will when the AMO under way has written.
    upper, operand = b.internal("upper"), b.internal("operand")
    memory = b.word_of("ram.words", symbol)
    outcome = mixed(Mux(upper, memory[32:], memory[:32]), operand)
    after = Mux(upper, Cat(memory[:32], outcome), Cat(outcome, memory[32:]))
    changes = port.busy & (b.internal("row") == symbol)
    b.invariant("memory_holds_the_reference", word == Mux(changes, after, memory))
    b.invariant("has_read_what_it_changes", ~changes | (port.rdata == memory))
    return b


def test_reservations():
    prove(reservations_bench(), "reservations-3x2", depth=2)
    reach(reservations_bench(), "reservations-3x2", depth=6)


def test_bank():
    prove(bank_bench(), "bank-atomics", depth=2)
    reach(bank_bench(), "bank-atomics", depth=6)


def arithmetic_bench(amo_class):
    """The nine outcomes, written down once more."""
    amo = amo_class()
    b = Bench(amo)
    old, operand = amo.old, amo.operand
    signed = old.as_signed(), operand.as_signed()
    for op, outcome in {
        TcdmOp.AMO_SWAP: operand,
        TcdmOp.AMO_ADD: (operand + old)[:32],
        TcdmOp.AMO_XOR: operand ^ old,
        TcdmOp.AMO_AND: operand & old,
        TcdmOp.AMO_OR: operand | old,
        TcdmOp.AMO_MIN: Mux(signed[0] <= signed[1], old, operand),
        TcdmOp.AMO_MAX: Mux(signed[0] >= signed[1], old, operand),
        TcdmOp.AMO_MINU: Mux(old <= operand, old, operand),
        TcdmOp.AMO_MAXU: Mux(old >= operand, old, operand),
    }.items():
        b.check(op.name.lower(), (amo.op != op) | (amo.result == outcome))
    return b


def test_arithmetic():
    prove(arithmetic_bench(Amo), "amo", depth=1)


def test_planted_arithmetic():
    broken = mutated(Amo, "(self.op == TcdmOp.AMO_MAX)", "(self.op == TcdmOp.AMO_MAXU)")
    assert refuted(arithmetic_bench(broken), "amo-planted", depth=2).startswith("amo_max")


BANKS = [
    ("the other half", "Mux(upper, 0xF0, 0x0F)", "Mux(upper, 0x0F, 0xF0)", "reads_the_word"),
    ("another row", "ram.addr.eq(row)", "ram.addr.eq(request.row)", "reads_the_word"),
    ("another operand", "amo.operand.eq(Mux(request", "amo.operand.eq(Mux(~request", "reads_the"),
    (
        "never written",
        "ram.en.eq(self.port.valid | self.port.busy)",
        "ram.en.eq(self.port.valid)",
        "reads",
    ),
    ("never busy", "port.busy.eq(begins)", "port.busy.eq(0)", "busy_after_an_amo"),
]


@pytest.mark.parametrize("what, old, new, fails", BANKS, ids=[p[0] for p in BANKS])
def test_planted_bank(what, old, new, fails):
    broken = mutated(Bank, old, new, Amo=Mixed)
    assert refuted(bank_bench(broken), "bank-atomics-planted", depth=5).startswith(fails)


CROSSBARS = [
    ("SC always stores", "succeeds[i].eq(hart.held)", "succeeds[i].eq(1)"),
    ("stores break nothing", "(request.op == TcdmOp.STORE) |", ""),
    ("AMOs break nothing", "| is_amo(request.op)", ""),
    ("own stores break", "write.master.eq(winner)", "write.master.eq(-1)"),
    ("either half", "word.half.eq(requests[i].strobe[4])", "word.half.eq(0)"),
    ("reserved before the grant", "reserve.eq(granted[i] &", "reserve.eq("),
]


@pytest.mark.parametrize("what, old, new", CROSSBARS, ids=[p[0] for p in CROSSBARS])
def test_planted_crossbar(what, old, new):
    broken = reservations_bench(mutated(Crossbar, old, new))
    assert refuted(broken, "reservations-planted", depth=6).startswith("master_")


RESERVATIONS = [
    ("an SC keeps it", "hart.release | broken", "broken"),
    ("others break nothing", "hart.release | broken", "hart.release"),
    ("any row breaks", "(rows[word.bank] == word.row)", "1"),
    ("any address will do", "word == hart.word", "1"),
    ("the first stays", "m.If(hart.reserve)", "m.If(hart.reserve & ~valid)"),
]


@pytest.mark.parametrize("what, old, new", RESERVATIONS, ids=[p[0] for p in RESERVATIONS])
def test_planted_reservations(what, old, new):
    broken = reservations_bench(Reservations=mutated(Reservations, old, new))
    assert refuted(broken, "reservations-planted", depth=6).startswith("master_")
