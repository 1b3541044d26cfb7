import numpy as np
import pytest

from hw.attention.softmax.exponential import EXP2_TABLE, Exponential
from hw.config import EngineConfig
from hw.presets import TINY
from hw.verilog import to_verilog
from sw_model import ops
from verif.lib.configs import find_config
from verif.lib.streams import Item, latency, pipe, receive, send, simulate

CONFIGS = [TINY.engine, EngineConfig(units=2, lanes=32)]


def bits(flags):
    return sum(1 << n for n in np.flatnonzero(flags).tolist())


def random_tile(config, rng, rows, masses, **flags):
    """Return a tile's items and the bytes expected; its exponentials are added to `masses`."""
    items, expected = [], []
    for row in range(rows):
        j = int(rng.integers(1, 6))
        keep = rng.random(config.lanes) < (0, 0.5, 1)[rng.integers(3)]
        logits = rng.integers(rng.integers(-128, 127), 128, config.lanes).astype(np.int8)
        top = int(np.max(logits[keep], initial=-128))
        if flags["enable"]:
            data = ops.exponential(logits, keep, j)
            if flags["accumulate"]:
                masses[row] += data.sum()
        else:
            data = np.where(keep, logits.view(np.uint8), 0)
        controls = {"maximum": top, "j": j, "gain": int(rng.integers(2)), "keep": bits(keep)}
        controls |= {name: int(flag) for name, flag in flags.items()}
        items.append(Item({"row": row, "data": logits.view(np.uint8).tolist()}, controls))
        expected.append((row, data.tolist()))
    return items, expected


def random_tiles(config, rng, rows, blocks):
    """Return the items of `blocks` row blocks, bytes expected, masses expected.

    A block is some tiles whose exponentials are summed up, with others between them.
    """
    items, expected, whole = [], [], []
    for _ in range(blocks):
        masses = np.zeros(config.tile, np.int64)
        summed = int(rng.integers(1, 4))
        for n in range(summed):
            last = n == summed - 1
            between = []
            if rng.random() < 0.5:  # without softmax, or exponentials that are not summed up
                between = [{"enable": rng.random() < 0.5, "accumulate": False}]
                between[0] |= {"first_sum": rng.random() < 0.5, "sums_up": rng.random() < 0.5}
            if rng.random() < 0.3:
                between += [{"enable": False, "accumulate": True, "first_sum": 1, "sums_up": 1}]
            sums = {"enable": True, "accumulate": True, "first_sum": n == 0, "sums_up": last}
            for flags in (*between, sums):
                more = random_tile(config, rng, rows, masses, **flags)
                items += more[0]
                expected += more[1]
            if last:
                gains = [item.controls["gain"] for item in items[-rows:]]
                whole += [(row, masses[row], gains[row]) for row in range(rows)]
    return items, expected, whole


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("chance", [1.0, 0.7])
@pytest.mark.parametrize("rows", [1, 2, 3, 16])
def test_rows_and_masses(config, chance, rows):
    dut = Exponential(config=config)
    rng = np.random.default_rng(rows)
    items, expected, whole = random_tiles(config, rng, rows, 24 if rows < 4 else 6)
    taken, masses = [], []

    async def sender(ctx):
        await send(ctx, dut, dut.i, items, np.random.default_rng(1), chance)

    async def receiver(ctx):
        taken.extend(await receive(ctx, dut.o, len(items), rng))

    async def collector(ctx):
        masses.extend(await receive(ctx, dut.mass, len(whole), rng))

    cycles = simulate(dut, sender, receiver, collector)
    assert [(got.row, list(got.data)) for got in taken] == expected
    assert [(got.row, got.mass, got.gain) for got in masses] == whole
    if chance == 1.0:
        assert cycles <= len(items) + 7, "one row a cycle"


def test_the_largest_mass():
    """As many tiles of keys at their maximum as 65535 keys fill: their mass still fits."""
    config = TINY.engine
    lanes = config.lanes
    tiles = 65535 // lanes
    controls = {"enable": 1, "accumulate": 1, "keep": (1 << lanes) - 1, "maximum": 5, "j": 1}
    items = [
        Item(
            {"row": 3, "data": [5] * lanes},
            controls | {"first_sum": n == 0, "sums_up": n == tiles - 1},
        )
        for n in range(tiles)
    ]
    dut = Exponential(config=config)
    masses = []

    async def sender(ctx):
        await send(ctx, dut, dut.i, items, np.random.default_rng(1))

    async def collector(ctx):
        masses.extend(await receive(ctx, dut.mass, 1, np.random.default_rng(0)))

    simulate(dut, sender, collector)
    assert masses[0].mass == 255 * lanes * tiles > 1 << 23


@pytest.mark.parametrize("j", range(1, 6))
def test_every_distance(j):
    config = TINY.engine
    distances = np.arange(256).reshape(-1, config.lanes)
    controls = {"enable": 1, "maximum": 127, "j": j, "keep": (1 << config.lanes) - 1}
    logits = (127 - distances).astype(np.int8)
    items = [Item({"row": 0, "data": row.view(np.uint8).tolist()}, controls) for row in logits]
    taken, _ = pipe(Exponential(config=config), items, len(items))
    whole = ops.exponential(logits.reshape(-1), True, j)
    assert [e for got in taken for e in got.data] == whole.tolist()


def test_the_table():
    assert list(EXP2_TABLE) == ops.EXP2_TABLE.tolist()


def test_latency():
    config = TINY.engine
    item = Item({"row": 1, "data": [1] * config.lanes}, {"keep": 1})
    assert latency(Exponential(config=config), item) == 2


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    text = to_verilog(Exponential(config=find_config(name).engine), name="exponential")
    assert "module exponential" in text
