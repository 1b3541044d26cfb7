"""The scratchpad in Amaranth's simulator: patterns, counts of masters and banks, timing."""

from random import Random

import pytest
from amaranth.sim import Simulator

from hw.config import TcdmConfig
from hw.presets import PAPER, TINY
from hw.tcdm.bus import TcdmOp
from hw.tcdm.crossbar import Crossbar
from hw.tcdm.tcdm import Tcdm
from hw.verilog import to_verilog
from verif.lib.tcdm_atomics import AMOS
from verif.lib.tcdm_traffic import PATTERNS, Programs, adding, conditionally_adding
from verif.unit.tcdm.simulate import simulate, simulate_masters

SMALL = TcdmConfig(banks=4, bank_bytes=1024)
HASHED = TcdmConfig(banks=16, bank_bytes=512)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_traffic(pattern):
    simulate(Tcdm(config=HASHED, masters=3, harts=2), pattern, cycles=150)


@pytest.mark.parametrize("banks", [2, 4, 8])
@pytest.mark.parametrize("masters", [1, 2, 5])
def test_any_number_of_masters_and_banks(banks, masters):
    config = TcdmConfig(banks=banks, bank_bytes=4096 // banks)
    simulate(Tcdm(config=config, masters=masters), "mixed", cycles=150)


def test_an_uncontended_request_is_granted_at_once():
    """Masters at different banks all get a word a cycle."""
    scoreboard = simulate(Tcdm(config=SMALL, masters=1), "uniform", cycles=200)
    assert scoreboard.granted == [200 + 1] and scoreboard.longest_wait == 0


def test_a_hot_bank_serves_in_turns():
    """Every cycle one request, every master as many, and the wait bound is reached, not passed."""
    scoreboard = simulate(Tcdm(config=SMALL, masters=5), "hot_bank", cycles=200)
    assert max(scoreboard.granted) - min(scoreboard.granted) <= 1
    assert sum(scoreboard.granted) == scoreboard.cycles - 1
    assert scoreboard.longest_wait == 4


def test_worked_example():
    """Two masters store to one word in one cycle, then the first loads what the second left."""
    dut = Tcdm(config=TINY.tcdm, masters=2)
    first, second = dut.master

    async def bench(ctx):
        for master, value in ((first, 0x1111), (second, 0x2222)):
            request = {"op": TcdmOp.STORE, "addr": 0x40, "data": value, "strobe": 0b11}
            ctx.set(master.req.payload, request)
            ctx.set(master.req.valid, 1)
        assert (ctx.get(first.req.ready), ctx.get(second.req.ready)) == (1, 0)
        await ctx.tick()
        assert (ctx.get(first.rsp.valid), ctx.get(second.rsp.valid)) == (1, 0)
        ctx.set(first.req.payload, {"op": TcdmOp.LOAD, "addr": 0x47})
        assert (ctx.get(first.req.ready), ctx.get(second.req.ready)) == (0, 1)
        await ctx.tick()
        ctx.set(second.req.valid, 0)
        assert (ctx.get(first.rsp.valid), ctx.get(second.rsp.valid)) == (0, 1)
        assert ctx.get(first.req.ready) == 1
        await ctx.tick()
        ctx.set(first.req.valid, 0)
        assert ctx.get(first.rsp.valid) == 1
        assert ctx.get(first.rsp.data) == 0x2222
        await ctx.tick()
        assert ctx.get(first.rsp.valid) == 0

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("harts", [0, 1, 3, 4])
def test_atomics(harts):
    """Everything that an atomic can meet is met: both outcomes of SC only with a reservation."""
    scoreboard = simulate(Tcdm(config=HASHED, masters=4, harts=harts), "atomics", cycles=800)
    served = scoreboard.served
    assert served["failed"] > 20
    assert (served["succeeded"] > 20) == (harts > 0)
    assert all(served[op.name] > 5 for op in AMOS)


@pytest.mark.parametrize("upper", [False, True])
def test_everybody_adds_to_one_word(upper):
    """Every AMO keeps its bank for two cycles; nothing that is added is lost."""
    masters, rounds = 5, 20
    addr, strobe = 0x48, 0xF0 if upper else 0x0F
    programs = [adding(addr, strobe, [1 << 4 * i] * rounds) for i in range(masters)]
    tcdm = Tcdm(config=SMALL, masters=masters)
    scoreboard = simulate_masters(tcdm, Programs(programs), cycles=1000)
    assert scoreboard.image.load(addr) == (0x11111 * rounds) << (32 if upper else 0)
    assert scoreboard.served["AMO_ADD"] == masters * rounds
    assert scoreboard.cycles <= 2 * masters * rounds + 2


def test_everybody_adds_conditionally_to_one_word():
    """Harts that lose their reservation try again: somebody always succeeds."""
    masters, rounds = 4, 15
    rng = Random(4)
    programs = [
        conditionally_adding(0x48, 0xF0, [1 << 4 * i] * rounds, rng) for i in range(masters)
    ]
    tcdm = Tcdm(config=SMALL, masters=masters, harts=masters)
    scoreboard = simulate_masters(tcdm, Programs(programs), cycles=5000)
    assert scoreboard.image.load(0x48) == (0x1111 * rounds) << 32
    assert scoreboard.served["succeeded"] == masters * rounds
    assert scoreboard.served["failed"] > rounds


@pytest.mark.parametrize("preset, masters", [(TINY, 6), (PAPER, 25)], ids=["tiny", "paper"])
def test_converts(preset, masters):
    """One RAM a bank, and a port for every master."""
    tcdm = Tcdm(config=preset.tcdm, masters=masters, harts=preset.harts)
    text = to_verilog(tcdm, name="top")
    assert text.count("heed_ram #(") == preset.tcdm.banks
    assert f"output master__{masters - 1}__req__ready;" in text
    assert f"master__{masters}__" not in text


@pytest.mark.parametrize("masters", [0, None])
def test_refuses(masters):
    with pytest.raises(ValueError, match="masters is"):
        Crossbar(config=TINY.tcdm, masters=masters)
    with pytest.raises(ValueError, match="masters is"):
        Tcdm(config=TINY.tcdm, masters=masters)


@pytest.mark.parametrize("harts", [-1, 3, None])
def test_refuses_harts(harts):
    with pytest.raises(ValueError, match="harts is .* but must be an integer from 0 to 2"):
        Tcdm(config=TINY.tcdm, masters=2, harts=harts)
