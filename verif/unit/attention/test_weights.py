from collections import deque

import numpy as np
import pytest

from hw.attention.streams.weights import WeightLoader
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.streams import Item, send, simulate


@pytest.mark.parametrize("chance", [1, 0.5])
def test_groups(chance):
    """Each group holds the rows of its columns, whenever it is taken over."""
    config = TINY
    units, lanes = config.engine.units, config.engine.lanes
    dut = WeightLoader(config=config)
    rng = np.random.default_rng(5)
    memory = rng.integers(0, 256, (1024, lanes), dtype=np.uint8)  # a row for each word address
    steps = [
        {
            "word": int(rng.integers(0, 500)),
            "stride": int(rng.integers(0, 20)),
            "columns": int(rng.integers(1, 17)),
            "words": int(rng.integers(1, 3)),
        }
        for _ in range(25)
    ]
    groups = [
        (step, [step["word"] + n * step["stride"] for n in range(first, min(first + units, last))])
        for step in steps
        for last in [step["columns"]]
        for first in range(0, last, units)
    ]
    asked = []
    ended = []

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, chance)

    async def answer(ctx):
        waiting = deque()
        while not ended:
            ready = rng.random() < chance
            answered = bool(waiting) and rng.random() < chance
            ctx.set(dut.command.ready, ready)
            ctx.set(dut.row.valid, answered)
            data = memory[waiting.popleft()].tobytes() if answered else b"\xaa" * lanes
            ctx.set(dut.row.data, int.from_bytes(data, "little"))
            command = dut.command.payload
            *_, valid, word, count = await ctx.tick().sample(
                dut.command.valid, command.word, command.count
            )
            if valid and ready:
                waiting.append(word)
                asked.append((word, count))

    async def taker(ctx):
        for _, words in groups:
            while not ctx.get(dut.full) or rng.random() > chance:
                await ctx.tick()
            ctx.set(dut.swap, 1)
            await ctx.tick()
            ctx.set(dut.swap, 0)
            for _ in range(int(rng.integers(0, 10))):
                await ctx.tick()
            weights = ctx.get(dut.weights)
            for n, word in enumerate(words):
                assert [weights[n][k] for k in range(lanes)] == memory[word].astype(
                    np.int8
                ).tolist()
        ended.append(True)

    simulate(dut, stepper, answer, taker)
    assert asked == [(word, step["words"]) for step, words in groups for word in words]


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module weights" in to_verilog(WeightLoader(config=preset), name="weights")
