from itertools import count

import numpy as np
import pytest

from hw.attention.streams.elements import ElementLoader
from hw.regmap import ElementType
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.row_memory import RowMemory, is_reached
from verif.lib.streams import Item, receive, send, simulate

START = (1 << 24) - 20
WORDS = 1 << 12
DTYPES = {
    ElementType.INT8: np.dtype(np.int8),
    ElementType.UINT8: np.dtype(np.uint8),
    ElementType.INT16: np.dtype(np.int16),
    ElementType.INT32: np.dtype(np.int32),
}
SHAPES = [
    pytest.param(
        name, kind, by_row, id=f"{name}-{kind.name.lower()}-{'rows' if by_row else 'groups'}"
    )
    for name in ("tiny", "narrow", "square", "paper")
    for kind in DTYPES
    for by_row in (0, 1)
]


def random_step(rng, config, *, kind=None, by_row=None, waits=0.0):
    kind = ElementType(int(rng.integers(0, 4))) if kind is None else kind
    tile = config.engine.tile
    return {
        "word": int(rng.integers(0, 500)),
        "stride": int(rng.integers(0, 40)),
        "rows": int(rng.integers(1, min(tile, 9) + 1)),
        "columns": int(rng.integers(1, tile + 1)),
        "type": kind,
        "by_row": int(rng.integers(0, 2)) if by_row is None else by_row,
        "normalise": int(rng.integers(0, 2)),
        "release": int(rng.integers(0, 2)),
        "gate": {
            "wait": int(rng.random() < waits),
            "by_row": int(rng.integers(0, 2)),
            "position": 0,
        },
    }


def order(step, units):
    """Return (row, first column) of a step's outputs in their order."""
    rows, firsts = range(step["rows"]), range(0, step["columns"], units)
    if step["by_row"]:
        return [(row, first) for row in rows for first in firsts]
    return [(row, first) for first in firsts for row in rows]


def commands(config, step):
    """Return (row, word, words) of the reads that a step takes."""
    units, row_words = config.engine.units, config.engine.row_words
    size = DTYPES[step["type"]].itemsize
    reads = []
    if step["by_row"]:
        runs = [(row, 0, step["columns"]) for row in range(step["rows"])]
    else:
        runs = [(r, c, min(c + units, step["columns"])) for r, c in order(step, units)]
    for row, first, last in runs:
        word, end = first * size // 8, -(-last * size // 8)
        start = step["word"] + row * step["stride"]
        reads += [(row, start + at, min(row_words, end - at)) for at in range(word, end, row_words)]
    return reads


def expected(config, words, step):
    """Return what comes of a step: (row, count, first, last, normalise, release, values)."""
    units, dtype = config.engine.units, DTYPES[step["type"]]
    outputs = []
    places = order(step, units)
    for number, (row, first) in enumerate(places):
        start = step["word"] + row * step["stride"]
        line = words[(start + np.arange(-(-step["columns"] * dtype.itemsize // 8))) % WORDS]
        values = line.view(dtype)[first : min(first + units, step["columns"])]
        outputs.append(
            (
                row,
                len(values),
                first == 0 if step["by_row"] else None,
                first + units >= step["columns"] if step["by_row"] else None,
                step["normalise"],
                int(step["release"] and number + 1 == len(places)),
                values.tolist(),
            )
        )
    return outputs


def run(config, steps, rng, *, chance=1.0, taking=1.0, pace=0.0, limit=10**6, deadline=60_000):
    """Load `steps`; check every command and output. Return the memory, outputs' cycles."""
    dut = ElementLoader(config=config)
    words = rng.integers(0, 1 << 64, WORDS, dtype=np.uint64)
    memory = RowMemory(
        dut,
        words,
        config.engine.row_words,
        rng,
        chance,
        position=START,
        pace=pace,
        limit=limit,
    )
    want = [output for step in steps for output in expected(config, words, step)]
    cycles = []

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, chance)

    async def watcher(ctx):
        for cycle in count():
            *_, taken = await ctx.tick().sample(dut.o.valid & dut.o.ready)
            if taken:
                cycles.append(cycle)

    async def taker(ctx):
        for got, output in zip(
            await receive(ctx, dut.o, len(want), rng, taking), want, strict=True
        ):
            row, lanes, first, last, normalise, release, values = output
            assert (got.row, got.count) == (row, lanes)
            assert first is None or (got.first, got.last) == (first, last)
            assert (got.normalise, got.release) == (normalise, release)
            assert [got.values[lane] for lane in range(lanes)] == values

    simulate(dut, stepper, taker, background=(memory.serve, watcher), deadline=deadline)
    reads = [(step, *read) for step in steps for read in commands(config, step)]
    for asked, (step, row, word, length) in zip(memory.asked, reads, strict=True):
        assert (asked.word, asked.count) == (word, length)
        gate = step["gate"]
        position = gate["position"] + (row + 1 if gate["by_row"] else 0)
        assert not gate["wait"] or is_reached(position, asked.performed)
    return memory, cycles


@pytest.mark.parametrize("name, kind, by_row", SHAPES)
def test_one_kind(name, kind, by_row):
    """Every type and order, tails of every length, answers and outputs with random stalls."""
    config = find_config(name)
    rng = np.random.default_rng(4)
    units, tile = config.engine.units, config.engine.tile
    steps = [random_step(rng, config, kind=kind, by_row=by_row) for _ in range(10)]
    tails = (1, units - 1, units, units + 1, tile - 1, tile)
    for step, columns in zip(steps, tails, strict=False):
        step["columns"] = min(columns, tile)
    run(config, steps, rng, chance=0.8, taking=0.8)


@pytest.mark.parametrize("chance, taking", [(1, 1), (0.5, 1), (1, 0.5), (0.6, 0.6)])
@pytest.mark.parametrize("name", ["tiny", "square"])
def test_kinds_mixed(name, chance, taking):
    config = find_config(name)
    rng = np.random.default_rng(5)
    run(config, [random_step(rng, config) for _ in range(40)], rng, chance=chance, taking=taking)


@pytest.mark.parametrize("columns", [4096, 4095, 385, 33])
@pytest.mark.parametrize("kind", [ElementType.INT8, ElementType.INT16])
def test_whole_rows(columns, kind):
    """Rows longer than a tile, for statistics."""
    config = find_config("half")
    rng = np.random.default_rng(6)
    step = random_step(rng, config, kind=kind, by_row=1) | {"columns": columns, "rows": 2}
    run(config, [step, random_step(rng, config)], rng)


@pytest.mark.parametrize("chance", [1, 0.6])
def test_gates(chance):
    """No row is asked for before what it waits for is performed, also where positions wrap."""
    config = find_config("tiny")
    rng = np.random.default_rng(7)
    steps = [random_step(rng, config, waits=0.8) for _ in range(40)]
    position = START
    for step in steps:
        step["gate"]["position"] = position % (1 << 24)
        position += step["rows"]
    memory, _ = run(config, steps, rng, chance=chance, pace=0.2)
    assert memory.held_back > 100


@pytest.mark.parametrize("by_row", [0, 1])
def test_later_groups_wait_for_nothing_more(by_row):
    """A step is through when as many writes are performed as it has rows, not groups of rows."""
    config = find_config("tiny")
    rng = np.random.default_rng(9)
    step = random_step(rng, config, by_row=by_row) | {"rows": 8, "columns": 16}
    step["gate"] = {"wait": 1, "by_row": 1, "position": START}
    run(config, [step], rng, pace=1, limit=8, deadline=500)


def test_a_closed_gate_holds():
    """What the other tests rely on: a gate that never opens lets nothing through."""
    config = find_config("tiny")
    rng = np.random.default_rng(9)
    step = random_step(rng, config) | {"rows": 8}
    step["gate"] = {"wait": 1, "by_row": 1, "position": START}
    with pytest.raises(AssertionError, match="not finished"):
        run(config, [step], rng, pace=1, limit=7, deadline=500)


@pytest.mark.parametrize("name, kind, by_row", SHAPES)
def test_full_rate(name, kind, by_row):
    """N elements a cycle, across rows and steps; or as many as a row of words holds."""
    config = find_config(name)
    engine = config.engine
    rng = np.random.default_rng(8)
    columns = engine.tile * 4 if by_row else engine.tile
    steps = [
        random_step(rng, config, kind=kind, by_row=by_row) | {"rows": 8, "columns": columns}
        for _ in range(4)
    ]
    size = DTYPES[kind].itemsize
    beats = max(1, size * engine.units // engine.lanes)
    memory, cycles = run(config, steps, rng)
    assert len(cycles) == 4 * 8 * columns // engine.units
    assert set(np.diff(cycles).tolist()) == {beats}
    assert cycles[0] - memory.asked[0].cycle == 5 + beats, "one cycle after the answer"


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    assert "module elements" in to_verilog(ElementLoader(config=find_config(name)), name="elements")
