import numpy as np
import pytest

from hw.attention.streams.weights import WeightLoader
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.row_memory import RowMemory, is_reached
from verif.lib.streams import Item, send, simulate

START = (1 << 24) - 20


def random_step(rng, config, *, waits=0.0):
    return {
        "word": int(rng.integers(0, 500)),
        "stride": int(rng.integers(0, 20)),
        "columns": int(rng.integers(1, config.engine.tile + 1)),
        "words": int(rng.integers(1, config.engine.row_words + 1)),
        "gate": {"wait": int(rng.random() < waits), "by_row": 0, "position": 0},
    }


def run(config, steps, rng, *, chance=1.0, pause=0, latency=5, pace=0.0):
    """Load `steps` and swap; check every command and group. Return the memory, swaps' cycles."""
    units, lanes, row_words = config.engine.units, config.engine.lanes, config.engine.row_words
    dut = WeightLoader(config=config)
    words = rng.integers(0, 1 << 64, 1 << 11, dtype=np.uint64)
    memory = RowMemory(
        dut, words, row_words, rng, chance, latency=latency, position=START, pace=pace
    )
    groups = [
        (step, [step["word"] + n * step["stride"] for n in range(first, min(first + units, last))])
        for step in steps
        for last in [step["columns"]]
        for first in range(0, last, units)
    ]
    swaps = []

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, chance)

    async def taker(ctx):
        """Swap, and use the weights for a while: `pause` cycles, or a random time."""
        for step, rows in groups:
            while not ctx.get(dut.full) or rng.random() > chance:
                await ctx.tick()
            ctx.set(dut.swap, 1)
            swaps.append(memory.cycle)
            await ctx.tick()
            ctx.set(dut.swap, 0)
            for _ in range(int(rng.integers(0, 10)) if pause is None else pause):
                await ctx.tick()
            weights = ctx.get(dut.weights.as_value()).to_bytes(units * lanes, "little")
            for n, word in enumerate(rows):
                want = words[(word + np.arange(step["words"])) % len(words)].tobytes()
                assert weights[n * lanes : n * lanes + len(want)] == want

    simulate(dut, stepper, taker, background=(memory.serve,))
    commands = [(step, word) for step, rows in groups for word in rows]
    for asked, (step, word) in zip(memory.asked, commands, strict=True):
        assert (asked.word, asked.count) == (word, step["words"])
        gate = step["gate"]
        assert not gate["wait"] or is_reached(gate["position"], asked.performed)
    return memory, swaps


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half"])
@pytest.mark.parametrize("chance", [1, 0.5])
def test_groups(name, chance):
    """Each group holds the rows of its columns, whenever it is taken over."""
    config = find_config(name)
    rng = np.random.default_rng(5)
    steps = [random_step(rng, config) for _ in range(25)]
    run(config, steps, rng, chance=chance, pause=None)


@pytest.mark.parametrize("chance", [1, 0.6])
def test_gates(chance):
    """No row is asked for before what its step waits for is performed, also where this wraps."""
    config = find_config("tiny")
    rng = np.random.default_rng(7)
    steps = [random_step(rng, config, waits=0.8) for _ in range(30)]
    position = START
    for step in steps:
        step["gate"]["position"] = position % (1 << 24)
        position += 10
    memory, _ = run(config, steps, rng, chance=chance, pause=None, pace=0.3)
    assert memory.held_back > 100


@pytest.mark.parametrize("columns", [64, 30, 7])
def test_groups_follow_each_other(columns):
    """A group of N rows every N cycles, and smaller ones without the latency of their reads."""
    config = find_config("square")
    units = config.engine.units
    rng = np.random.default_rng(3)
    columns = min(columns, config.engine.tile)
    steps = [random_step(rng, config) | {"columns": columns} for _ in range(12)]
    memory, swaps = run(config, steps, rng)
    sizes = [min(units, columns - first) for first in range(0, columns, units)] * len(steps)
    assert np.diff(swaps).tolist() == sizes[1:]
    cycles = [asked.cycle for asked in memory.asked]
    assert np.diff(cycles).max() == 1, "a row is asked for in each cycle, across steps"
    assert swaps[0] - cycles[0] == 5 + sizes[0], "the first group is not slower for the buffer"


def test_asks_ahead_of_swaps():
    """While the array is at work, the group behind the shadow's comes too: no latency later."""
    config = find_config("tiny")
    rng = np.random.default_rng(3)
    steps = [random_step(rng, config) | {"columns": 16} for _ in range(6)]
    _, swaps = run(config, steps, rng, pause=15, latency=12)
    assert set(np.diff(swaps).tolist()) == {16}


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    assert "module weights" in to_verilog(WeightLoader(config=find_config(name)), name="weights")
