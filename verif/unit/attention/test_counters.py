"""The counters, against causes that are counted one by one."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.attention.control.counters import Counters
from hw.attention.types import Activity
from hw.presets import PAPER, TINY
from hw.regmap import Stall
from hw.verilog import to_verilog
from verif.lib.configs import BETWEEN

PORTS = {
    "granted_read": "count_read",
    "granted_write": "count_written",
    "port_refused": "count_refused",
}


def cause(s):
    """Return the Stall of a busy cycle whose signals are `s`, or None if it is active."""
    if s["active"] or s["taken_direct"]:
        return None
    if s["refused"]:
        return Stall.Y
    if s["waits_entry"]:
        return Stall.WAIT if s["parameter_waiting"] else Stall.PARAMETERS
    if s["waits_residual"]:
        return Stall.WAIT if s["residual_waiting"] else Stall.R
    if s["no_row"]:
        return Stall.WAIT if s["input_waiting"] else Stall.X
    if s["no_weights"]:
        return Stall.WAIT if s["weight_waiting"] else Stall.W
    if s["waits_direct"]:
        return Stall.WAIT if s["direct_waiting"] else Stall.X
    return Stall.CONTROL


def counted(config, rng, cycles, clear_at=None):
    """Return the counters' values and those wanted after random cycles."""
    dut = Counters(config=config)
    names = ["count_busy", "count_active", *PORTS.values()]
    want = dict.fromkeys(names, 0) | {stall: 0 for stall in Stall}
    found = {}

    async def testbench(ctx):
        for cycle in range(cycles):
            chance = rng.choice((0.02, 0.15, 0.6))
            values = {name: int(rng.random() < chance) for name in Activity().members}
            busy = int(rng.random() < 0.8)
            ports = {name: int(rng.integers(1 << config.ports)) for name in PORTS}
            for name, value in values.items():
                ctx.set(getattr(dut.activity, name), value)
            for name, value in ports.items():
                ctx.set(getattr(dut, name), value)
            ctx.set(dut.busy, busy)
            ctx.set(dut.clear, cycle == clear_at)
            if busy:
                why = cause(values)
                want["count_busy"] += 1
                want["count_active" if why is None else why] += 1
            for name, count in PORTS.items():
                want[count] += ports[name].bit_count()
            if cycle == clear_at:
                want.update(dict.fromkeys(want, 0))
            await ctx.tick()
        for name in ("busy", *PORTS):
            ctx.set(getattr(dut, name), 0)
        ctx.set(dut.clear, 0)
        await ctx.tick().repeat(3)
        found.update({name: ctx.get(getattr(dut, name)) for name in names})
        found.update({stall: ctx.get(dut.count_stall[stall]) for stall in Stall})

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return found, want


@pytest.mark.parametrize("clear_at", [None, 1500])
@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
def test_counts(config, clear_at):
    found, want = counted(config.engine, np.random.default_rng(3), 4000, clear_at)
    assert found == want
    stalls = sum(found[stall] for stall in Stall)
    assert found["count_busy"] == found["count_active"] + stalls > 1000
    assert all(found.values()), "every cause was there"


@pytest.mark.parametrize("preset", [TINY, PAPER, *BETWEEN.values()], ids=lambda c: c.name)
def test_converts(preset):
    assert "module counters" in to_verilog(Counters(config=preset.engine), name="counters")
