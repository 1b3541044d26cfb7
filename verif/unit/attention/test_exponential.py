import numpy as np
import pytest

from hw.attention.softmax.exponential import EXP2_TABLE, Exponential
from hw.config import EngineConfig
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from sw_model import ops
from verif.lib.streams import Item, latency, pipe, receive, send, simulate

CONFIGS = [TINY.engine, EngineConfig(units=2, lanes=32)]
STALLS = [(1.0, 1.0), (0.7, 0.5)]


def bits(flags):
    return sum(1 << n for n in np.flatnonzero(flags).tolist())


def random_rows(config, rng, count, rows):
    """Return items on the first `rows` rows, the bytes expected, and the masses afterwards."""
    items, expected, masses = [], [], np.zeros(config.tile, np.int64)
    for n in range(count):
        enable, accumulate = rng.random() < 0.8, rng.random() < 0.6
        row, j = int(rng.integers(rows)), int(rng.integers(1, 6))
        keep = rng.random(config.lanes) < (0, 0.5, 1)[n % 3]
        logits = rng.integers(rng.integers(-128, 127), 128, config.lanes).astype(np.int8)
        top = int(np.max(logits[keep], initial=-128))
        if enable:
            data = ops.exponential(logits, keep, j)
        else:
            data = np.where(keep, logits.view(np.uint8), 0)
        if enable and accumulate:
            masses[row] += data.sum()
        controls = {"enable": int(enable), "accumulate": int(accumulate), "maximum": top, "j": j}
        controls["keep"] = bits(keep)
        items.append(Item({"row": row, "data": logits.view(np.uint8).tolist()}, controls))
        expected.append((row, data.tolist()))
    return items, expected, masses


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("chances", STALLS)
@pytest.mark.parametrize("rows", [1, 16])
def test_rows_and_masses(config, chances, rows):
    dut = Exponential(config=config)
    rng = np.random.default_rng(rows)
    items, expected, masses = random_rows(config, rng, 60, rows)
    taken = []

    async def receiver(ctx):
        taken.extend(await receive(ctx, dut.o, len(items), rng, chances[1]))
        while not ctx.get(dut.idle):
            await ctx.tick()
        for row in range(config.tile):
            ctx.set(dut.mass_row, row)
            assert ctx.get(dut.mass) == masses[row]
        ctx.set(dut.clear, 1)
        await ctx.tick()
        for row in range(config.tile):
            ctx.set(dut.mass_row, row)
            assert ctx.get(dut.mass) == 0

    async def sender(ctx):
        await send(ctx, dut, dut.i, items, np.random.default_rng(1), chances[0])

    simulate(dut, sender, receiver)
    assert [(got.row, list(got.data)) for got in taken] == expected


@pytest.mark.parametrize("j", range(1, 6))
def test_every_distance(j):
    config = TINY.engine
    distances = np.arange(256).reshape(-1, config.lanes)
    controls = {"enable": 1, "maximum": 127, "j": j, "keep": (1 << config.lanes) - 1}
    logits = (127 - distances).astype(np.int8)
    items = [Item({"row": 0, "data": row.view(np.uint8).tolist()}, controls) for row in logits]
    taken, cycles = pipe(Exponential(config=config), items, len(items))
    whole = ops.exponential(logits.reshape(-1), True, j)
    assert [e for got in taken for e in got.data] == whole.tolist()
    assert cycles <= len(items) + 4, "one row a cycle"


def test_the_table():
    assert list(EXP2_TABLE) == ops.EXP2_TABLE.tolist()


def test_latency():
    config = TINY.engine
    item = Item({"row": 1, "data": [1] * config.lanes}, {"keep": 1})
    assert latency(Exponential(config=config), item) == 2


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    text = to_verilog(Exponential(config=preset.engine), name="exponential")
    assert "module exponential" in text
