"""Data in the scratchpad: a word read is what was stored there last, byte by byte.

One address stands for all: it is symbolic. A reference keeps the word at it, as the masters' taken
stores say; whatever else happens in the scratchpad, every load of that address gives this word.
The memories are real, and start as zero. Here nobody has a reservation, so LR is a load and SC
writes nothing; nobody asks for AMOs: `test_atomics` is about them.
"""

import pytest
from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.config import TcdmConfig
from hw.tcdm.amo import is_amo
from hw.tcdm.bank import Bank
from hw.tcdm.bus import TcdmOp
from hw.tcdm.crossbar import Crossbar
from hw.tcdm.hash import bank_and_row
from hw.tcdm.tcdm import Tcdm
from verif.formal.harness import Bench, mutated, prove, reach, refuted
from verif.formal.properties import assume_stream, check_answers

pytestmark = pytest.mark.slow

CONFIG = TcdmConfig(banks=2, bank_bytes=2048)


def bench(tcdm_class, masters=3):
    tcdm = tcdm_class(config=CONFIG, masters=masters)
    b = Bench(tcdm)
    address = b.symbol(CONFIG.addr_width - 3, "address")
    word = Signal(64, name="reference")
    loads = []
    for i, master in enumerate(tcdm.master):
        assume_stream(b, master.req)
        check_answers(b, f"master_{i}", master)
        payload = master.req.payload
        b.assume(~is_amo(payload.op))
        here = master.req.valid & master.req.ready & (payload.addr[3:] == address)
        strobes = Cat(bit.replicate(8) for bit in payload.strobe)
        with b.m.If(here & (payload.op == TcdmOp.STORE)):
            b.m.d.sync += word.eq((payload.data & strobes) | (word & ~strobes))
        load = (payload.op == TcdmOp.LOAD) | (payload.op == TcdmOp.LR)
        loads.append(b.past(here & load))

    # What a load must show is the reference when it was taken: a word stored with it comes later.
    expected = b.past(word)
    for i, (load, master) in enumerate(zip(loads, tcdm.master, strict=True)):
        b.check(f"master_{i}_loads_what_was_stored", ~load | (master.rsp.data == expected))
    b.cover("loads_what_is_not_0", loads[0] & (expected[:16] == 0xA55A))

    # The invariant: the memory holds the reference; so does the port after a load of it.
    number, row = bank_and_row(CONFIG, Cat(Signal(3), address))
    held = Array(b.word_of(f"bank_{n}.ram.words", row) for n in range(CONFIG.banks))
    b.invariant("memory_holds_the_reference", held[number] == word)
    return b


def test_data_integrity():
    prove(bench(Tcdm), "tcdm-3x2", depth=3)
    reach(bench(Tcdm), "tcdm-3x2", depth=6)


BANKS = [
    ("strobes of other bytes", "strobe.eq(request.strobe)", "strobe.eq(request.strobe[::-1])"),
    ("an atomic that writes", "request.op == TcdmOp.STORE", "request.op != TcdmOp.LOAD"),
    ("rows that fall together", "addr.eq(request.row)", "addr.eq(request.row[:-1])"),
    ("bytes out of place", "wdata.eq(request.data)", "wdata.eq(request.data[8:])"),
]


@pytest.mark.parametrize("what, old, new", BANKS, ids=[p[0] for p in BANKS])
def test_planted_bank(what, old, new):
    broken = mutated(Tcdm, Bank=mutated(Bank, old, new))
    check = refuted(bench(broken, masters=1), "tcdm-planted", depth=3)
    assert check.endswith("_loads_what_was_stored")


def test_planted_crossbar():
    broken = mutated(Tcdm, Crossbar=mutated(Crossbar, "words[source]", "words[numbers[i]]"))
    check = refuted(bench(broken), "tcdm-planted", depth=3)
    assert check.endswith("_loads_what_was_stored")


def hash_bench(config, split):
    """No two words share a place; the eight words of an aligned beat have eight banks."""
    b = Bench(Nothing())
    one = b.symbol(config.addr_width, "one")
    two = b.symbol(config.addr_width, "two")
    (bank_1, row_1), (bank_2, row_2) = split(config, one), split(config, two)
    apart = one[3:] != two[3:]
    b.check("two_words_two_places", ~apart | (bank_1 != bank_2) | (row_1 != row_2))
    same_beat = one[6:] == two[6:]
    b.check("a_beat_has_eight_banks", ~(apart & same_beat) | (bank_1 != bank_2))
    b.check("no_bank_beyond_the_last", bank_1 < config.banks)
    b.cover("two_rows", apart & (row_1 != row_2))
    return b


class Nothing(wiring.Component):
    """Properties of a function need no component."""

    unused: In(1)

    def elaborate(self, platform):
        return Module()


@pytest.mark.parametrize("banks", [8, 16, 32, 128])
def test_hash(banks):
    config = TcdmConfig(banks=banks, bank_bytes=4096)
    prove(hash_bench(config, bank_and_row), f"hash-{banks}", depth=2)
    reach(hash_bench(config, bank_and_row), f"hash-{banks}", depth=2)


def test_planted_hash():
    config = TcdmConfig(banks=32, bank_bytes=4096)
    broken = mutated(bank_and_row, "group ^= row", "group = row")
    assert refuted(hash_bench(config, broken), "hash-planted", depth=2) == "two_words_two_places"
    broken = mutated(bank_and_row, "Cat(word[:lane_bits], group)", "Cat(group, group)")
    assert refuted(hash_bench(config, broken), "hash-planted", depth=2).endswith("banks")
