"""Runs a scratchpad in Amaranth's simulator under the block bench's traffic and scoreboard."""

from random import Random

from amaranth.sim import Simulator

from verif.lib.tcdm_flat import FlatTcdm
from verif.lib.tcdm_scoreboard import Scoreboard
from verif.lib.tcdm_traffic import PATTERNS, Masters


def simulate(tcdm, pattern, cycles, seed=1):
    """Return the scoreboard after some cycles of traffic; its checks have passed."""
    rng = Random(seed)
    streams = [PATTERNS[pattern](tcdm.config, rng) for _ in tcdm.master]
    return simulate_masters(tcdm, Masters(streams), cycles)


def simulate_masters(tcdm, agents, cycles):
    """Return the scoreboard after what the masters do in some cycles, or until they are done."""
    config, masters = tcdm.config, len(tcdm.master)
    dut = FlatTcdm(tcdm)
    scoreboard = Scoreboard(config, masters, harts=tcdm.harts)

    async def bench(ctx):
        cycle = 0
        while cycle < cycles or agents.valid or any(scoreboard.outstanding):
            ctx.set(dut.valid, agents.valid)
            for i, request in enumerate(agents.requests):
                if request:
                    ctx.set(dut.request[i], request._asdict())
            ready = ctx.get(dut.ready)
            answered, words = ctx.get(dut.rsp_valid), ctx.get(dut.rsp_data.as_value())
            scoreboard.cycle(agents.requests, ready, answered, words)
            await ctx.tick()
            agents.advance(ready, answered, words)
            cycle += 1
            if cycle == cycles or agents.done:
                agents.stop()
                cycle = cycles
        scoreboard.finish()
        await ctx.tick()  # an AMO may have written in this cycle
        for bank, words in enumerate(scoreboard.image.to_banks()):
            stored = [ctx.get(dut.tcdm.banks[bank].ram.data[row]) for row in range(len(words))]
            assert stored == words.tolist()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return scoreboard
