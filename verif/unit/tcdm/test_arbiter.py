"""RoundRobinArbiter against the rule it states."""

import random

import pytest
from amaranth.sim import Simulator

from hw.tcdm.arbiter import RoundRobinArbiter
from hw.verilog import to_verilog


def simulate(requests, bench):
    dut = RoundRobinArbiter(requests=requests)

    async def body(ctx):
        await bench(ctx, dut)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(body)
    simulator.run()


def expected_winner(request, last, count):
    """Return who comes first after `last`, or None."""
    order = [(last + 1 + step) % count for step in range(count)]
    return next((i for i in order if request >> i & 1), None)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_request_after_every_winner(count):
    """Exhaustive: each state (the last winner) with each set of requests."""

    async def bench(ctx, dut):
        for last in range(count):
            for request in range(1 << count):
                ctx.set(dut.request, 1 << last)  # make `last` the last winner
                await ctx.tick()
                ctx.set(dut.request, request)
                winner = expected_winner(request, last, count)
                assert ctx.get(dut.grant) == (0 if winner is None else 1 << winner)
                assert ctx.get(dut.winner) == (winner or 0)

    simulate(count, bench)


@pytest.mark.parametrize("count", [3, 7, 25, 32])
def test_random_requests_keep_turns_and_bound(count):
    """The rule holds over long traffic, idle cycles do not move the turn, waits are bounded."""

    async def bench(ctx, dut):
        rng = random.Random(count)
        last, waiting, longest = count - 1, [0] * count, 0
        pending = 0
        for cycle in range(1500):
            pending |= rng.getrandbits(count) & rng.getrandbits(count)
            if cycle % 500 > 400:
                pending = (1 << count) - 1  # everybody at once: the bound is reached
            request = pending if rng.random() < 0.9 else 0
            ctx.set(dut.request, request)
            winner = expected_winner(request, last, count)
            assert ctx.get(dut.grant) == (0 if winner is None else 1 << winner)
            await ctx.tick()
            if winner is None:
                continue
            pending &= ~(1 << winner)
            last = winner
            waiting[winner] = 0
            for i in range(count):
                if request >> i & 1 and i != winner:
                    waiting[i] += 1
            longest = max(longest, *waiting)
        assert longest == count - 1

    simulate(count, bench)


@pytest.mark.parametrize("count", [1, 6, 25])
def test_converts(count):
    assert "module top" in to_verilog(RoundRobinArbiter(requests=count), name="top")


@pytest.mark.parametrize("count", [0, -1, 2.0])
def test_refuses(count):
    with pytest.raises(ValueError, match="requests is"):
        RoundRobinArbiter(requests=count)
