"""Instruction fetch: nothing lost, nothing twice, redirects, full speed."""

import random

import pytest
from amaranth.sim import Simulator

from hw.core.fetch import Fetch
from hw.verilog import to_verilog

BOOT = 0x8000_0100


def word_at(address):
    return address * 0x9E3779B1 & 0xFFFFFFFF


def run(cycles, *, ready=1.0, taken=1.0, redirects=0.0, seed=0):
    """Fetch for some cycles, checking every word that comes out; return how many did."""
    dut = Fetch()
    rng = random.Random(seed)
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
                expected += 4
                count += 1
            if redirect:
                expected = target
            asked = grant and ctx.get(dut.bus.req.valid)
            address = ctx.get(dut.bus.req.payload)
            assert not redirect or ctx.get(dut.bus.req.valid) and address == target
            await ctx.tick()
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


def test_full_speed_after_a_stall():
    # Whatever the memory grants is used when the consumer is the slower one.
    assert run(1000, taken=0.5, seed=1) >= 450


def test_converts_to_verilog():
    assert "module fetch" in to_verilog(Fetch(), name="fetch")
