"""Evaluates components without state in Amaranth's simulator."""

from collections.abc import Iterable, Sequence

from amaranth.hdl import Cat, Const, Module, Value
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
        Values of members by name; one that is not named stays as it was.
    outputs
        Names of members.
    """
    results = []
    together: dict[tuple[str, ...], Value] = {}  # set at once: the simulator settles after each

    async def bench(ctx):
        for values in inputs:
            names = tuple(values)
            if names not in together:
                together[names] = Cat(getattr(component, name) for name in names)
            ctx.set(together[names], _packed(component, values))
            await ctx.delay(1e-9)
            results.append(tuple(ctx.get(getattr(component, name)) for name in outputs))

    m = Module()
    m.submodules.dut = component
    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return results


def _packed(component: wiring.Component, values: dict[str, object]) -> int:
    word = offset = 0
    for name, value in values.items():
        member = getattr(component, name)
        if not isinstance(value, int):
            value = Const.cast(member.shape().const(value)).value
        width = len(Value.cast(member))
        word |= (value & (1 << width) - 1) << offset
        offset += width
    return word
