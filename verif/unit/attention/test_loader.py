from collections import deque

import numpy as np
import pytest

from hw.attention.streams.loader import InputLoader
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.streams import Item, send, simulate


def visible(mask, step, row, lane):
    """Whether a lane of a row of a step counts, said as in the arithmetic's definition."""
    if lane >= step["lanes"]:
        return False
    if not step["softmax"]:
        return True
    key, query = step["key"] + lane, step["row"] + row
    return key < mask["kv_length"] and (not mask["causal"] or key <= query + mask["offset"])


@pytest.mark.parametrize("chance", [1, 0.5])
@pytest.mark.parametrize("causal, offset", [(0, 0), (1, 0), (1, -7), (1, 9), (1, -32768)])
def test_rows_and_lanes(chance, causal, offset):
    config = TINY
    lanes = config.engine.lanes
    dut = InputLoader(config=config)
    rng = np.random.default_rng(6)
    mask = {"kv_length": 40, "causal": causal, "offset": offset}
    steps = [
        {
            "word": int(rng.integers(0, 1000)),
            "stride": int(rng.integers(0, 20)),
            "rows": int(rng.integers(1, 17)),
            "lanes": int(rng.integers(1, 17)),
            "softmax": int(rng.integers(0, 2)),
            "accumulate": int(rng.integers(0, 2)),
            "sums_up": int(rng.integers(0, 2)),
            "row": int(rng.integers(0, 50)),
            "key": int(rng.integers(0, 4)) * 16,
        }
        for _ in range(25)
    ]
    rows = [(step, row) for step in steps for row in range(step["rows"])]
    asked, seen = [], []
    held = 0  # tiles that are in buffers, or on their way

    async def stepper(ctx):
        ctx.set(dut.mask, dut.mask.shape().const(mask))
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, chance)

    async def surroundings(ctx):
        nonlocal held
        waiting = deque()
        ended_tiles = 0
        while len(seen) < len(rows):
            ready, answered = rng.random() < chance, bool(waiting) and rng.random() < chance
            release = ended_tiles > 0 and rng.random() < 0.2
            ctx.set(dut.command.ready, ready)
            ctx.set(dut.release, release)
            ctx.set(dut.row.valid, answered)
            if answered:
                ctx.set(dut.row.data, waiting.popleft() * 3)
            command, o = dut.command.payload, dut.o
            (
                *_,
                valid,
                word,
                count,
                sent,
                row,
                data,
                keep,
                softmax,
                accumulate,
                summed,
            ) = await ctx.tick().sample(
                dut.command.valid,
                command.word,
                command.count,
                o.valid,
                o.payload.row,
                o.payload.data.as_value(),
                dut.keep,
                dut.softmax,
                dut.accumulate,
                dut.summed,
            )
            if release:
                ended_tiles -= 1
                held -= 1
            if valid and ready:
                step, number = rows[len(asked)]
                assert word == step["word"] + number * step["stride"]
                assert count == -(-step["lanes"] // 8)
                asked.append(word)
                waiting.append(word)
                if number == 0:
                    held += 1
                    assert held <= 2, "a tile without a buffer"
            assert sent == answered
            if sent:
                step, number = rows[len(seen)]
                assert row == number and data == asked[len(seen)] * 3
                want = [visible(mask, step, row, lane) for lane in range(lanes)]
                assert [keep >> lane & 1 for lane in range(lanes)] == want
                assert (softmax, accumulate) == (step["softmax"], step["accumulate"])
                last = number + 1 == step["rows"]
                assert summed == (last and step["sums_up"])
                ended_tiles += last
                seen.append(row)
            else:
                assert not summed

    simulate(dut, stepper, surroundings)


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module loader" in to_verilog(InputLoader(config=preset), name="loader")
