from collections import deque

import numpy as np
import pytest

from hw.attention.streams.reader import RowReader
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.streams import simulate

CLIENTS = 3


def content(word):
    return word * 0x9E37_79B9_7F4A_7C15 % (1 << 64)


@pytest.mark.parametrize("config", [TINY, PAPER], ids=lambda config: config.name)
@pytest.mark.parametrize("chance", [1, 0.5])
def test_rows_come_back_in_order(config, chance):
    """Ports take reads and answer them at random, each at its own pace."""
    dut = RowReader(config=config, clients=CLIENTS)
    words = config.engine.row_words
    depth = config.tcdm.bytes // 8
    rng = np.random.default_rng(1)
    commands = [
        [
            {"word": int(rng.integers(depth)), "count": int(rng.integers(1, words + 1))}
            for _ in range(60)
        ]
        for _ in range(CLIENTS)
    ]
    ended = []

    def port(number):
        async def run(ctx):
            waiting = deque()
            asked = ready = False
            read, data = dut.read[number], dut.data[number]
            while len(ended) < CLIENTS:
                # Like a queue with room: ready until something comes.
                ready = (ready and not asked) or rng.random() < chance
                offered = bool(waiting) and (rng.random() < chance or ctx.get(data.valid))
                ctx.set(read.ready, ready)
                ctx.set(data.valid, offered)
                ctx.set(data.payload, content(waiting[0]) if offered else 0)
                *_, asked, word, taken = await ctx.tick().sample(
                    read.valid, read.payload, data.ready
                )
                if offered and taken:
                    waiting.popleft()
                if asked and ready:
                    waiting.append(word)

        return run

    def asker(number):
        async def run(ctx):
            stream = dut.command[number]
            for command in commands[number]:
                while rng.random() > chance:
                    await ctx.tick()
                ctx.set(stream.payload, stream.payload.shape().const(command))
                ctx.set(stream.valid, 1)
                await ctx.tick().until(stream.ready)
                ctx.set(stream.valid, 0)

        return run

    def taker(number):
        async def run(ctx):
            row = dut.row[number]
            for command in commands[number]:
                (got,) = await ctx.tick().sample(row.data).until(row.valid)
                for n in range(command["count"]):
                    want = content((command["word"] + n) % depth)
                    assert got >> 64 * n & (1 << 64) - 1 == want
            ended.append(number)

        return run

    benches = [port(n) for n in range(words)]
    for n in range(CLIENTS):
        benches += [asker(n), taker(n)]
    cycles = simulate(dut, *benches)
    if chance == 1:
        assert cycles <= 60 * CLIENTS + 12, "a row a cycle"


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module reader" in to_verilog(RowReader(config=preset, clients=2), name="reader")
