"""Reservations: when one is held, what ends it, against a model; planted bugs."""

import random

import pytest

from hw.tcdm.reservations import BankWrite, HartReservation, Reservations
from hw.verilog import to_verilog
from verif.lib.planted import plant
from verif.lib.streams import simulate
from verif.lib.tcdm_atomics import ReservedWords

ROW_BITS = 2
MASTERS = 3


def run(harts, banks, cycles=1500):
    """Harts and writers at random, on a few words, a bank doing one thing a cycle."""
    dut = Reservations(harts=harts, masters=MASTERS, banks=banks, row_bits=ROW_BITS)
    model = ReservedWords(harts)
    rng = random.Random(harts * banks)
    seen = {"held": 0, "broken": 0}

    async def bench(ctx):
        for _ in range(cycles):
            free = list(range(banks))  # banks that do nothing else in this cycle
            done = []
            for number, hart in enumerate(dut.hart):
                word = model.words[number]  # often the word that is reserved
                if word is None or rng.random() < 0.5:
                    word = rng.randrange(2 * banks << ROW_BITS)
                half, bank, row = word & 1, word // 2 % banks, word // 2 // banks
                ctx.set(hart.word, {"half": half, "row": row, "bank": bank})
                what = rng.choice(("reserve", "release", *["nothing"] * 4))
                if bank not in free:
                    what = "nothing"
                if what != "nothing":
                    free.remove(bank)
                ctx.set(hart.reserve, what == "reserve")
                ctx.set(hart.release, what == "release")
                held = ctx.get(hart.held)
                assert held == (model.words[number] == word)
                seen["held"] += held
                done.append((what, number, word))
            for number, bank in enumerate(dut.bank):
                halves = rng.randrange(4) if number in free else 0
                row, master = rng.randrange(1 << ROW_BITS), rng.randrange(MASTERS)
                for name, value in (("halves", halves), ("row", row), ("master", master)):
                    ctx.set(getattr(bank, name), value)
                for half in range(2):
                    if halves >> half & 1:
                        before = list(model.words)
                        model.written(master, (row * banks + number) * 2 + half)
                        seen["broken"] += before != model.words
            for what, number, word in done:
                if what == "reserve":
                    model.reserve(number, word)
                elif what == "release":
                    model.release(number, word)
            await ctx.tick()

    simulate(dut, bench)
    return seen


@pytest.mark.parametrize("harts, banks", [(1, 1), (3, 1), (2, 2), (3, 4)])
def test_random(harts, banks):
    seen = run(harts, banks)
    assert min(seen.values()) > 10


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("(masters[word.bank] != number)", "1"),
        ("(rows[word.bank] == word.row)", "1"),
        ("halves[word.bank].bit_select(word.half, 1)", "halves[word.bank].any()"),
        ("hart.release | broken", "broken"),
        ("hart.release | broken", "hart.release"),
        ("word == hart.word", "1"),
        ("word.eq(hart.word)", "word.row.eq(hart.word.row)"),
    ],
)
def test_planted(monkeypatch, right, wrong):
    plant(monkeypatch, Reservations, "elaborate", right, wrong)
    with pytest.raises(AssertionError):
        run(3, 4)


def test_signatures_compare_by_sizes():
    assert HartReservation(banks=4, row_bits=3) == HartReservation(banks=4, row_bits=3)
    assert HartReservation(banks=4, row_bits=3) != HartReservation(banks=2, row_bits=3)
    assert BankWrite(masters=4, row_bits=3) == BankWrite(masters=4, row_bits=3)
    assert BankWrite(masters=4, row_bits=3) != BankWrite(masters=4, row_bits=4)
    assert repr(BankWrite(masters=4, row_bits=3)) == "BankWrite(masters=4, row_bits=3)"
    assert "banks=4" in repr(HartReservation(banks=4, row_bits=3))


@pytest.mark.parametrize("harts", [0, 4, None])
def test_refuses(harts):
    with pytest.raises(ValueError, match="harts is .* but must be an integer from 1 to 3"):
        Reservations(harts=harts, masters=3, banks=2, row_bits=2)


def test_converts():
    dut = Reservations(harts=9, masters=25, banks=32, row_bits=9)
    assert "module reservations" in to_verilog(dut, name="reservations")
