"""Throttle: how often it lets requests through, and that it loses none."""

import pytest
from amaranth.sim import Simulator

from hw.bench.throttle import GRANT_ALWAYS, Throttle
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog

CYCLES = 3000


def run(grant, cycles=CYCLES):
    """Return the addresses that the master had taken and those that the bus got, cycle by cycle."""
    dut = Throttle(addr_width=12, number=5)
    taken, seen = [], []

    async def bench(ctx):
        ctx.set(dut.grant, grant)
        ctx.set(dut.port.req.valid, 1)
        ctx.set(dut.bus.req.ready, 1)
        for cycle in range(cycles):
            request = {"op": TcdmOp.STORE, "addr": len(taken) % 4096, "data": cycle, "strobe": 7}
            ctx.set(dut.port.req.payload, request)
            ctx.set(dut.bus.rsp.valid, cycle & 1)
            ctx.set(dut.bus.rsp.data, cycle)
            assert (ctx.get(dut.port.rsp.valid), ctx.get(dut.port.rsp.data)) == (cycle & 1, cycle)
            assert ctx.get(dut.bus.req.payload) == ctx.get(dut.port.req.payload)
            if ctx.get(dut.bus.req.valid):
                seen.append((cycle, ctx.get(dut.bus.req.payload.addr)))
            if ctx.get(dut.port.req.ready):
                taken.append((cycle, len(taken) % 4096))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return taken, seen


@pytest.mark.parametrize("grant", [GRANT_ALWAYS, 230, 128, 1, 0])
def test_lets_through_as_often_as_asked(grant):
    taken, seen = run(grant)
    assert taken == seen
    share = grant / GRANT_ALWAYS
    assert abs(len(taken) - share * CYCLES) <= 4 * (share * (1 - share) * CYCLES) ** 0.5


def test_refusals_of_the_bus_stay_refusals():
    dut = Throttle(addr_width=12, number=0)

    async def bench(ctx):
        ctx.set(dut.port.req.valid, 1)
        ctx.set(dut.bus.req.ready, 0)
        assert ctx.get(dut.bus.req.valid) and not ctx.get(dut.port.req.ready)
        ctx.set(dut.port.req.valid, 0)
        assert not ctx.get(dut.bus.req.valid)

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.add_clock(1e-6)
    simulator.run()


def test_converts():
    assert "module throttle" in to_verilog(Throttle(addr_width=17, number=3), name="throttle")
