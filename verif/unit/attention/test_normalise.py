import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.norm import normalise
from hw.attention.norm.normalise import Normalise
from hw.attention.norm.root import Root
from hw.attention.norm.statistics import Statistics
from hw.attention.steps import NORM_ROWS
from hw.attention.types import ElementRow, RowStatistics
from hw.presets import TINY
from hw.verilog import to_verilog
from sw_model.ops.layernorm import standardise
from verif.lib.configs import find_config
from verif.lib.norm_rows import element_rows, random_row, scale, sums
from verif.lib.streams import Item, latency, receive, send, simulate

NAMES = ["tiny", "narrow", "square", "half", "paper"]
STALLS = [(1.0, 1.0, 1.0), (0.1, 1.0, 1.0), (1.0, 0.3, 1.0), (1.0, 1.0, 0.3), (0.5, 0.5, 0.5)]


class Joined(wiring.Component):
    """Statistics, root and normalisation as they are joined in the engine."""

    def __init__(self, *, config):
        self._config = config
        port = stream.Signature(ElementRow(config))
        super().__init__({"statistics": In(port), "i": In(port), "o": Out(port)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.statistics = statistics = Statistics(config=self._config)
        m.submodules.root = root = Root()
        m.submodules.normalise = norm = Normalise(config=self._config)
        wiring.connect(m, wiring.flipped(self.statistics), statistics.i)
        wiring.connect(m, statistics.o, root.i)
        wiring.connect(m, root.o, norm.statistics)
        wiring.connect(m, wiring.flipped(self.i), norm.i)
        wiring.connect(m, norm.o, wiring.flipped(self.o))
        return m


def passing(config, rng):
    """Return element rows that are not to be normalised, and their results: the same."""
    x = rng.integers(-(1 << 31), 1 << 31, rng.integers(1, 20))
    fields = {"row": int(rng.integers(config.tile)), "release": int(rng.integers(2))}
    items = element_rows(x, config, rng, **fields)
    return items, [item.payload["values"] for item in items]


def direct_rows(block, config, rng):
    """Return the items of a block of rows in the order of its tiles, and their results."""
    items, results = [], []
    channels = block.shape[1]
    normal = standardise(block)
    for column in range(0, channels, config.tile):
        final = column + config.tile >= channels
        for row, (x, y) in enumerate(zip(block, normal, strict=True)):
            tile = slice(column, column + config.tile)
            fields = {"row": row, "normalise": 1, "release": int(final and row == len(block) - 1)}
            items += element_rows(x[tile], config, rng, **fields)
            results += np.split(y[tile], range(config.units, len(y[tile]), config.units))
    return items, results


def run(dut, statistics, items, results, chances=(1.0, 1.0, 1.0)):
    """Send both streams; compare what comes out; return the cycles."""
    taken = []

    async def send_statistics(ctx):
        await send(ctx, dut, dut.statistics, statistics, np.random.default_rng(1), chances[0])

    async def send_items(ctx):
        await send(ctx, dut, dut.i, items, np.random.default_rng(2), chances[1])

    async def take(ctx):
        rng = np.random.default_rng(3)
        taken.extend(await receive(ctx, dut.o, len(items), rng, chances[2]))

    cycles = simulate(dut, send_statistics, send_items, take)
    for item, values, got in zip(items, results, taken, strict=True):
        for name in ("row", "count", "first", "last", "normalise", "release"):
            assert got[name] == item.payload[name]
        count = item.payload["count"]
        assert [got["values"][n] for n in range(count)] == list(values)[:count]
    return cycles


def random_work(config, rng, *, blocks=8, sizes=(1, 70)):
    """Return blocks of rows, the direct items of them and of others, and the results of those."""
    work, items, results = [], [], []
    for _ in range(blocks):
        channels = int(rng.choice([1, 2, config.units, rng.integers(*sizes)]))
        rows = [random_row(rng, channels) for _ in range(rng.integers(1, NORM_ROWS + 1))]
        work.append(np.stack(rows))
        for more in (direct_rows(work[-1], config, rng), passing(config, rng)):
            items += more[0]
            results += more[1]
    return work, items, results


def row_statistics(work):
    """Return the items that the root gives for blocks of rows."""
    items = []
    for block in work:
        for row, x in enumerate(block):
            channels, total, squares = sums(x)
            r, shift = scale(channels, total, squares)
            fields = {"channels": channels, "total": total, "r": r, "shift": shift}
            items.append(Item(fields | {"release": row == len(block) - 1}))
    return items


def block_elements(work, config, rng):
    """Return the items of the statistics' loader for blocks of rows."""
    return [
        item
        for block in work
        for row, x in enumerate(block)
        for item in element_rows(x, config, rng, row=row, release=int(row == len(block) - 1))
    ]


@pytest.mark.parametrize("chances", STALLS)
@pytest.mark.parametrize("name", ["tiny", "narrow", "square"])
def test_equals_the_definition(name, chances):
    config = find_config(name).engine
    work, items, results = random_work(config, np.random.default_rng(4))
    run(Normalise(config=config), row_statistics(work), items, results, chances)


@pytest.mark.parametrize("chances", STALLS)
@pytest.mark.parametrize("name", ["tiny", "narrow", "half"])
def test_the_three_joined_are_layernorm(name, chances):
    config = find_config(name).engine
    rng = np.random.default_rng(5)
    work, items, results = random_work(config, rng)
    run(Joined(config=config), block_elements(work, config, rng), items, results, chances)


@pytest.mark.parametrize("channels", [384, 4096])
def test_long_rows(channels):
    config = find_config("square").engine
    rng = np.random.default_rng(6)
    block = rng.integers(-32768, 32768, (3, channels))
    block[1] = np.where(np.arange(channels) % 2, -32768, 32767)
    block[2] = np.where(np.arange(channels) == 5, 32767, -32768)  # clipped: sqrt(4095) > 32
    items, results = direct_rows(block, config, rng)
    run(Joined(config=config), block_elements([block], config, rng), items, results)


def test_rows_of_384_take_24_cycles():
    config = find_config("square").engine
    assert config.units == 16
    rng = np.random.default_rng(7)
    work = [rng.integers(-32768, 32768, (NORM_ROWS, 384)) for _ in range(3)]
    parts = [direct_rows(block, config, rng) for block in work]
    items, results = ([x for part in parts for x in part[n]] for n in range(2))
    cycles = run(Joined(config=config), block_elements(work, config, rng), items, results)
    # Only the first block's statistics are waited for.
    assert cycles <= 24 * NORM_ROWS * (len(work) + 1) + 40


def test_a_third_block_waits_for_a_bank():
    """With both banks taken statistics are refused until a block's last elements came."""
    config = TINY.engine
    rng = np.random.default_rng(8)
    work = [random_row(rng, 4).reshape(1, 4) for _ in range(3)]
    dut = Normalise(config=config)

    async def testbench(ctx):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.statistics.valid, 1)
        for item in row_statistics(work[:2]):
            ctx.set(dut.statistics.payload, RowStatistics.const(item.payload))
            assert ctx.get(dut.statistics.ready)
            await ctx.tick()
        for _ in range(5):
            assert not ctx.get(dut.statistics.ready)
            await ctx.tick()
        (item,), _ = direct_rows(work[0], config, rng)
        ctx.set(dut.i.payload, ElementRow(config).const(item.payload))
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        assert ctx.get(dut.statistics.ready)

    simulate(dut, testbench)


def test_a_row_without_statistics_waits_in_front():
    config = TINY.engine
    dut = Normalise(config=config)
    (item,) = element_rows(np.ones(1, int), config, np.random.default_rng(0), normalise=1)

    async def testbench(ctx):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, ElementRow(config).const(item.payload))
        for _ in range(9):
            await ctx.tick()
            assert not ctx.get(dut.i.ready) and not ctx.get(dut.o.valid)

    simulate(dut, testbench)


def test_latency():
    config = TINY.engine
    (item,) = element_rows(np.ones(1, int), config, np.random.default_rng(0))
    assert latency(Normalise(config=config), item) == 4


def test_latency_from_a_rows_last_elements():
    """Statistics 3, root 28, a bank 1, normalisation 4."""
    config = TINY.engine
    dut = Joined(config=config)
    rng = np.random.default_rng(0)
    block = np.ones((1, 1), int)
    (elements,) = block_elements([block], config, rng)
    (item,), _ = direct_rows(block, config, rng)
    cycles = 0

    async def testbench(ctx):
        nonlocal cycles
        for port, entry in ((dut.statistics, elements), (dut.i, item)):
            ctx.set(port.payload, ElementRow(config).const(entry.payload))
            ctx.set(port.valid, 1)
        await ctx.tick()
        ctx.set(dut.statistics.valid, 0)
        cycles = 1
        while not ctx.get(dut.o.valid):
            await ctx.tick()
            cycles += 1

    simulate(dut, testbench)
    assert cycles == 3 + 28 + 1 + 4


def test_a_missing_clip_is_noticed(monkeypatch):
    monkeypatch.setattr(normalise, "saturate", lambda m, value, shape: value[:16].as_signed())
    block = np.where(np.arange(4096) == 5, 32767, -32768).reshape(1, -1)
    config = TINY.engine
    items, results = direct_rows(block, config, np.random.default_rng(0))
    with pytest.raises(AssertionError):
        run(Normalise(config=config), row_statistics([block]), items, results)


@pytest.mark.parametrize("name", NAMES)
def test_converts(name):
    text = to_verilog(Normalise(config=find_config(name).engine), name="normalise")
    assert "module normalise" in text
