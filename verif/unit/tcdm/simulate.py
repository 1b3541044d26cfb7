"""Runs a scratchpad in Amaranth's simulator under the block bench's traffic and scoreboard."""

from random import Random

from amaranth.sim import Simulator

from verif.lib.tcdm_flat import FlatTcdm
from verif.lib.tcdm_scoreboard import Scoreboard
from verif.lib.tcdm_traffic import PATTERNS, Masters


def simulate(tcdm, pattern, cycles, seed=1):
    """Return the scoreboard after some cycles of traffic; its checks have passed."""
    config, masters = tcdm.config, len(tcdm.master)
    dut = FlatTcdm(tcdm)
    scoreboard = Scoreboard(config, masters)
    rng = Random(seed)
    agents = Masters([PATTERNS[pattern](config, rng) for _ in range(masters)])

    async def bench(ctx):
        cycle = 0
        while cycle < cycles or agents.valid or any(scoreboard.outstanding):
            ctx.set(dut.valid, agents.valid)
            for i, request in enumerate(agents.requests):
                if request:
                    ctx.set(dut.request[i], request._asdict())
            ready = ctx.get(dut.ready)
            scoreboard.cycle(
                agents.requests, ready, ctx.get(dut.rsp_valid), ctx.get(dut.rsp_data.as_value())
            )
            await ctx.tick()
            agents.advance(ready)
            cycle += 1
            if cycle == cycles:
                agents.stop()
        scoreboard.finish()
        for bank, words in enumerate(scoreboard.image.to_banks()):
            stored = [ctx.get(dut.tcdm.banks[bank].ram.data[row]) for row in range(len(words))]
            assert stored == words.tolist()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return scoreboard
