"""What the structs' users share: lanes as a mask."""

from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from hw.attention.steps import first_lanes


def test_first_lanes():
    m = Module()
    count, lanes = Signal(range(17)), Signal(16)
    m.d.comb += lanes.eq(first_lanes(count, 16))

    async def testbench(ctx):
        for n in range(17):
            ctx.set(count, n)
            assert ctx.get(lanes) == (1 << n) - 1

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
