"""The divider against the manual's definition."""

import random

import pytest
from amaranth.sim import Simulator

from hw.core.units.divider import Divider
from hw.verilog import to_verilog

MASK = 0xFFFFFFFF
CORNERS = (0, 1, 2, 3, 7, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFF9, 0xFFFFFFFF)
CYCLES = 33


def signed(value):
    return value - (1 << 32) if value >> 31 else value


def expected(op, a, b):
    """Quotient and remainder as the manual's table "Semantics for division" has them."""
    if not op & 1:
        a, b = signed(a), signed(b)
    if b == 0:
        quotient, remainder = -1, a
    else:
        quotient = abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)
        remainder = a - quotient * b
    return (remainder if op & 2 else quotient) & MASK


def divide(cases, idle=0):
    """Run divisions one after the other; return (result, cycles) of each."""
    dut = Divider()
    results = []

    async def bench(ctx):
        for op, a, b in cases:
            ctx.set(dut.start, 1)
            ctx.set(dut.op, op)
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            await ctx.tick()
            ctx.set(dut.a, 0x55555555)
            ctx.set(dut.b, 0x33333333)
            ctx.set(dut.start, 0)
            cycles = 1
            while not ctx.get(dut.done):
                assert ctx.get(dut.busy)
                await ctx.tick()
                cycles += 1
            results.append((ctx.get(dut.result), cycles))
            await ctx.tick()
            assert not ctx.get(dut.done) and not ctx.get(dut.busy)
            for _ in range(idle):
                await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return results


@pytest.mark.parametrize("op", range(4))
def test_corners(op):
    cases = [(op, a, b) for a in CORNERS for b in CORNERS]
    for case, got in zip(cases, divide(cases), strict=True):
        assert got == (expected(*case), CYCLES), case


def test_random():
    rng = random.Random(3)
    cases = []
    for _ in range(100):
        a, b = rng.getrandbits(32), rng.getrandbits(32) >> rng.randrange(32)
        cases.append((rng.randrange(4), a, b))
    for case, got in zip(cases, divide(cases, idle=1), strict=True):
        assert got == (expected(*case), CYCLES), case


def test_values_of_the_manual():
    cases = [(0, 7, 0), (1, 7, 0), (2, 7, 0), (3, 7, 0), (0, 1 << 31, MASK), (2, 1 << 31, MASK)]
    results = [result for result, _ in divide(cases)]
    assert results == [MASK, MASK, 7, 7, 1 << 31, 0]


def test_converts_to_verilog():
    assert "module divider" in to_verilog(Divider(), name="divider")
