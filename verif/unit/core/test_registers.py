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
            sources = [rng.choice((0, 1, 2, 30, 31)) for _ in range(3)]
            targets = rng.sample((0, 1, 2, 30, 31), 2)
            for port, source in zip((dut.rs1, dut.rs2, dut.rs3), sources, strict=True):
                ctx.set(port, source)
            early = (dut.write, dut.rd, dut.rd_data)
            late = (dut.late_write, dut.late_rd, dut.late_data)
            for (enable, number, data), target in zip((early, late), targets, strict=True):
                write = target != 0 and rng.random() < 0.5
                value = rng.getrandbits(32)
                ctx.set(enable, write)
                ctx.set(number, target)
                ctx.set(data, value)
                if write:
                    model[target] = value
            await ctx.tick()
            results = (dut.rs1_data, dut.rs2_data, dut.rs3_data)
            assert [ctx.get(result) for result in results] == [model[s] for s in sources]

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_converts_to_verilog():
    for third in (True, False):
        assert "module registers" in to_verilog(RegisterFile(third=third), name="registers")
