import numpy as np
import pytest

from hw.attention.streams.alternate import WAITING, Alternate
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.streams import Item, send, simulate


@pytest.mark.parametrize("chances", [(1.0, 1.0), (0.3, 0.9), (0.9, 0.2)])
def test_answers_keep_the_order(chances):
    """Whichever reader is the slower one: commands take turns, answers come in their order."""
    dut = Alternate(config=TINY)
    rng = np.random.default_rng(3)
    words = [int(word) for word in rng.integers(0, 1000, 200)]
    asked = [[], []]
    got = []

    async def client(ctx):
        for number, word in enumerate(words):
            while number - len(got) >= WAITING:  # what it has room for
                await ctx.tick()
            await send(ctx, dut, dut.i, [Item({"word": word, "count": 2})], rng)

    def reader(side):
        async def run(ctx):
            pending = []
            while True:
                ready = rng.random() < chances[side]
                ctx.set(dut.command[side].ready, ready)
                answer = pending and rng.random() < chances[side]
                ctx.set(dut.answer[side].valid, bool(answer))
                if answer:
                    ctx.set(dut.answer[side].data, pending.pop(0))
                _, _, valid, word = await ctx.tick().sample(
                    dut.command[side].valid, dut.command[side].payload.word
                )
                if valid and ready:
                    pending.append(word)
                    asked[side].append(word)

        return run

    async def taker(ctx):
        while len(got) < len(words):
            _, _, valid, row = await ctx.tick().sample(dut.row.valid, dut.row.data)
            if valid:
                got.append(row)

    simulate(dut, client, taker, background=(reader(0), reader(1)))
    assert got == words
    assert asked == [words[::2], words[1::2]]


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module alternate" in to_verilog(Alternate(config=preset), name="alternate")
