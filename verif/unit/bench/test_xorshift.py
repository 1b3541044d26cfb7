"""XorShift against the generator in integers."""

import pytest
from amaranth.sim import Simulator

from hw.bench.xorshift import XorShift
from hw.verilog import to_verilog


def values(number, cycles):
    """Return what a generator shows in its first cycles."""
    dut = XorShift(number=number)
    seen = []

    async def bench(ctx):
        for _ in range(cycles):
            seen.append(ctx.get(dut.value))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


def following(value):
    """Return the value after `value`: xorshift32 with the triple 13, 17, 5."""
    value ^= value << 13 & 0xFFFFFFFF
    value ^= value >> 17
    return value ^ (value << 5 & 0xFFFFFFFF)


@pytest.mark.parametrize("number", [0, 1, 255])
def test_follows_the_generator(number):
    seen = values(number, 500)
    assert all(seen[n + 1] == following(seen[n]) for n in range(499))
    assert len(set(seen)) == 500 and 0 not in seen


def test_numbers_differ():
    assert len({values(number, 1)[0] for number in range(40)}) == 40


def test_converts():
    assert "module xorshift" in to_verilog(XorShift(number=3), name="xorshift")
