"""The register file against a list."""

import random

from amaranth.sim import Simulator

from hw.core.registers import RegisterFile
from hw.verilog import to_verilog


def test_random_traffic():
    dut = RegisterFile()
    rng = random.Random(6)

    async def bench(ctx):
        model = [0] * 32
        for _ in range(2000):
            # Few registers, so that a read often meets the write of the same cycle.
            first, second, target = (rng.choice((0, 1, 2, 30, 31)) for _ in range(3))
            write = target != 0 and rng.random() < 0.5
            value = rng.getrandbits(32)
            ctx.set(dut.rs1, first)
            ctx.set(dut.rs2, second)
            ctx.set(dut.write, write)
            ctx.set(dut.rd, target)
            ctx.set(dut.rd_data, value)
            if write:
                model[target] = value
            await ctx.tick()
            assert ctx.get(dut.rs1_data) == model[first]
            assert ctx.get(dut.rs2_data) == model[second]

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_converts_to_verilog():
    assert "module registers" in to_verilog(RegisterFile(), name="registers")
