"""Evaluates components without state in Amaranth's simulator."""

from collections.abc import Iterable, Sequence

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator


def evaluate(
    component: wiring.Component, inputs: Iterable[dict[str, int]], outputs: Sequence[str]
) -> list[tuple]:
    """Apply each set of inputs and return the named outputs for each.

    Parameters
    ----------
    component
        Combinational.
    inputs
        Values of members by name.
    outputs
        Names of members.
    """
    results = []

    async def bench(ctx):
        for values in inputs:
            for name, value in values.items():
                ctx.set(getattr(component, name), value)
            await ctx.delay(1e-9)
            results.append(tuple(ctx.get(getattr(component, name)) for name in outputs))

    m = Module()
    m.submodules.dut = component
    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return results
