"""Instruction fetch: nothing lost, nothing twice, redirects, loops, full speed."""

import random

import pytest
from amaranth.sim import Simulator

from hw.core.fetch import Fetch
from hw.verilog import to_verilog
from verif.lib.planted import plant

BOOT = 0x8000_0100


def word_at(address):
    return address * 0x9E3779B1 & 0xFFFFFFFF


class Loops:
    """The loops' registers as the pipeline keeps them: they follow what was taken."""

    def __init__(self, rng=None):
        self.registers = [(0, 0, 0), (0, 0, 0)]
        self._rng = rng

    def set_at_random(self, near):
        """Put both loops somewhere behind an address, of any length and often nested."""
        rng = self._rng
        start = near + 4 * rng.randrange(6)
        length = 4 * rng.randrange(1, 5)
        outer = start - 4 * rng.randrange(3)
        end = start + length + 4 * rng.randrange(3)
        self.registers = [
            (start, start + length, rng.randrange(4)),
            (outer, end, rng.randrange(4)),
        ]

    def after(self, address):
        """Leave the instruction at `address`; return which loop ended a round, and what is next."""
        for number, (start, end, count) in enumerate(self.registers):
            if address + 4 == end and count:
                self.registers[number] = (start, end, count - 1)
                return 1 << number, start if count > 1 else None
        return 0, None

    def apply(self, ctx, ports):
        for port, values in zip(ports, self.registers, strict=True):
            ctx.set(port, dict(zip(("start", "end", "count"), values, strict=True)))


def run(cycles, *, ready=1.0, taken=1.0, redirects=0.0, seed=0, loops=False):
    """Fetch for some cycles, checking every word that comes out; return how many did."""
    dut = Fetch(loops=loops)
    rng = random.Random(seed)
    state = Loops(rng)
    count = 0

    async def bench(ctx):
        nonlocal count
        ctx.set(dut.boot_address, BOOT)
        for _ in range(3):
            await ctx.tick()
            assert not ctx.get(dut.bus.req.valid) and not ctx.get(dut.running)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        expected = BOOT
        for _ in range(cycles):
            assert ctx.get(dut.running)
            grant = rng.random() < ready
            redirect = rng.random() < redirects
            take = not redirect and rng.random() < taken
            target = BOOT + 4 * rng.randrange(1000)
            ctx.set(dut.bus.req.ready, grant)
            ctx.set(dut.redirect.valid, redirect)
            ctx.set(dut.redirect.target, target)
            ctx.set(dut.o.ready, take)
            if take and ctx.get(dut.o.valid):
                word = ctx.get(dut.o.payload)
                assert word.pc == expected
                assert word.insn == word_at(expected)
                assert word.error == expected >> 2 & 1
                ends, again = state.after(expected)
                assert (word.ends, word.loops) == (ends, again is not None)
                expected = expected + 4 if again is None else again
                count += 1
            if redirect:
                expected = target
                if loops and rng.random() < 0.7:
                    state.set_at_random(target)
            asked = grant and ctx.get(dut.bus.req.valid)
            address = ctx.get(dut.bus.req.payload)
            assert not redirect or ctx.get(dut.bus.req.valid) and address == target
            await ctx.tick()
            state.apply(ctx, dut.loops)
            ctx.set(dut.bus.rsp.valid, bool(asked))
            ctx.set(dut.bus.rsp.data, word_at(address) if asked else rng.getrandbits(32))
            ctx.set(dut.bus.rsp.error, address >> 2 & 1 if asked else 1)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return count


def test_a_word_a_cycle():
    assert run(100) == 99


@pytest.mark.parametrize("seed", range(4))
def test_random_stalls_and_redirects(seed):
    rng = random.Random(seed)
    ready, taken = rng.choice((0.3, 0.7, 1.0)), rng.choice((0.3, 0.7, 1.0))
    assert run(1000, ready=ready, taken=taken, redirects=0.1, seed=seed) > 50


@pytest.mark.parametrize("seed", range(6))
def test_loops(seed):
    rng = random.Random(seed)
    ready, taken = rng.choice((0.3, 0.7, 1.0)), rng.choice((0.3, 0.7, 1.0))
    assert run(2000, ready=ready, taken=taken, redirects=0.03, seed=seed, loops=True) > 100


def test_loops_cost_nothing():
    assert run(3000, redirects=0.01, seed=3, loops=True) > 3000 * 0.97


def test_a_loop_counted_wrongly_is_noticed(monkeypatch):
    plant(monkeypatch, Fetch, "_follow_loops", "count != 1", "count != 2")
    with pytest.raises(AssertionError):
        run(2000, redirects=0.03, seed=1, loops=True)


def test_full_speed_after_a_stall():
    # Whatever the memory grants is used when the consumer is the slower one.
    assert run(1000, taken=0.5, seed=1) >= 450


def test_converts_to_verilog():
    for loops in (True, False):
        assert "module fetch" in to_verilog(Fetch(loops=loops), name="fetch")
