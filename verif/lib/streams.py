"""Streams in Amaranth's simulator: random senders and receivers, and a bounded run."""

from dataclasses import dataclass, field

import numpy as np
from amaranth.sim import Simulator


@dataclass
class Item:
    """A payload (as for `layout.const`) and other inputs that accompany it, by member name."""

    payload: dict
    controls: dict = field(default_factory=dict)


async def send(ctx, dut, port, items: list[Item], rng, chance: float = 1.0) -> None:
    """Offer each item in turn, and each cycle between two with probability `chance`."""
    layout = port.payload.shape()
    for item in items:
        while rng.random() >= chance:
            await ctx.tick()
        for name, value in item.controls.items():
            ctx.set(getattr(dut, name), value)
        plain = isinstance(item.payload, int)
        ctx.set(port.payload, item.payload if plain else layout.const(item.payload))
        ctx.set(port.valid, 1)
        await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)


async def receive(ctx, port, count: int, rng, chance: float = 1.0) -> list:
    """Take `count` payloads, each cycle ready with probability `chance`.

    Fails when a payload that was refused is withdrawn or changes.
    """
    layout = port.payload.shape()
    taken, refused = [], None
    while len(taken) < count:
        ready = rng.random() < chance
        ctx.set(port.ready, ready)
        *_, valid, bits = await ctx.tick().sample(port.valid, port.payload.as_value())
        if refused is not None:
            assert valid and bits == refused, "a refused payload did not stay"
        refused = bits if valid and not ready else None
        if valid and ready:
            taken.append(layout.from_bits(bits))
    ctx.set(port.ready, 0)
    return taken


def simulate(dut, *testbenches, background=(), deadline: int = 20_000) -> int:
    """Run testbenches until the last has ended; return the cycles that took.

    Those of `background` need not end. Fails after `deadline` cycles.
    """
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    left = len(testbenches)
    cycles = 0

    def counted(testbench):
        async def run(ctx):
            nonlocal left
            await testbench(ctx)
            left -= 1

        return run

    async def watch(ctx):
        nonlocal cycles
        while left:
            await ctx.tick()
            cycles += 1
            assert cycles < deadline, f"not finished after {deadline} cycles"

    for testbench in background:
        simulator.add_testbench(testbench, background=True)
    for testbench in testbenches:
        simulator.add_testbench(counted(testbench))
    simulator.add_testbench(watch)
    simulator.run()
    return cycles


def pipe(dut, items: list[Item], count: int, *, seed: int = 0, chances=(1.0, 1.0), setup=None):
    """Send items into `dut.i` and take `count` from `dut.o`; return those and the cycles.

    `chances`: of offering and of being ready in a cycle. `setup`, a coroutine function of the
    context, runs before the first item.
    """
    taken = []
    ready = False

    async def sender(ctx):
        nonlocal ready
        if setup is not None:
            await setup(ctx)
        ready = True
        await send(ctx, dut, dut.i, items, np.random.default_rng(seed), chances[0])

    async def receiver(ctx):
        while not ready:
            await ctx.tick()
        rng = np.random.default_rng(seed + 1)
        taken.extend(await receive(ctx, dut.o, count, rng, chances[1]))

    return taken, simulate(dut, sender, receiver)


def latency(dut, item: Item) -> int:
    """Return how many cycles after `dut.i` took the item it is offered at `dut.o`."""
    cycles = 0

    async def testbench(ctx):
        nonlocal cycles
        for name, value in item.controls.items():
            ctx.set(getattr(dut, name), value)
        ctx.set(dut.i.payload, dut.i.payload.shape().const(item.payload))
        ctx.set(dut.i.valid, 1)
        await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)
        cycles = 1
        while not ctx.get(dut.o.valid):
            await ctx.tick()
            cycles += 1

    simulate(dut, testbench)
    return cycles
