import numpy as np
import pytest

from hw.attention.datapath.accumulator import Accumulator
from hw.config import EngineConfig
from hw.presets import TINY
from hw.verilog import to_verilog
from sw_model.ops import wrap32
from verif.lib.configs import find_config
from verif.lib.streams import Item, latency, pipe

CONFIGS = [TINY.engine, EngineConfig(units=16, lanes=16), EngineConfig(units=2, lanes=32)]
STALLS = [(1.0, 1.0), (0.7, 0.5)]


def random_steps(config, rng, count, places):
    """Return items on `places` random (row, group), and the totals expected."""
    where = [(int(rng.integers(config.tile)), int(rng.integers(config.groups)))]
    while len(where) < places:
        where.append((int(rng.integers(config.tile)), int(rng.integers(config.groups))))
    totals, items, expected = {}, [], []
    for _ in range(count):
        row, group = where[rng.integers(places)]
        first = (row, group) not in totals or bool(rng.random() < 0.2)
        last = bool(rng.random() < 0.3)
        sums = rng.integers(-(1 << 31), 1 << 31, config.units)
        start = 0 if first else totals[row, group]
        total = wrap32(start + sums)
        step = {"row": row, "group": group, "first": int(first), "last": int(last)}
        items.append(Item({"step": step, "sums": sums.tolist()}))
        if last:
            expected.append((row, group, total.tolist()))
        else:
            totals[row, group] = total
    return items, expected


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("places", [1, 2, 3, 40])
@pytest.mark.parametrize("chances", STALLS)
def test_sums(config, chances, places):
    """Few places make steps follow others of their own row and group at every distance."""
    items, expected = random_steps(config, np.random.default_rng(places), 150, places)
    taken, cycles = pipe(Accumulator(config=config), items, len(expected), chances=chances)
    assert [(got.row, got.group, list(got.values)) for got in taken] == expected
    if chances == (1.0, 1.0):
        assert cycles <= len(items) + 4, "one step a cycle"


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("chances", STALLS)
def test_short_tiles(rows, chances):
    """Tiles of one group and few rows, step after step on the same places, tile after tile."""
    config = TINY.engine
    rng = np.random.default_rng(rows)
    items, expected = [], []
    for _ in range(12):
        depth = int(rng.integers(1, 5))
        sums = rng.integers(-(1 << 31), 1 << 31, (depth, rows, config.units))
        for n in range(depth):
            for row in range(rows):
                step = {"row": row, "group": 0, "first": int(n == 0), "last": int(n == depth - 1)}
                items.append(Item({"step": step, "sums": sums[n, row].tolist()}))
        totals = wrap32(sums.sum(axis=0)).tolist()
        expected += [(row, 0, total) for row, total in enumerate(totals)]
    taken, cycles = pipe(Accumulator(config=config), items, len(expected), chances=chances)
    assert [(got.row, got.group, list(got.values)) for got in taken] == expected
    if chances == (1.0, 1.0):
        assert cycles <= len(items) + 4, "one step a cycle"


def test_rows_that_do_not_end_are_not_held_up():
    """While an output is refused, steps that give none proceed."""
    config = TINY.engine

    def item(row, last):
        step = {"row": row, "group": 0, "first": 1, "last": last}
        return Item({"step": step, "sums": [row] * config.units})

    items = [item(1, 1)] + [item(n, 0) for n in range(2, 12)] + [item(12, 1)]
    taken, _ = pipe(Accumulator(config=config), items, 2, chances=(1.0, 0.1), seed=5)
    assert [got.row for got in taken] == [1, 12]


def test_latency():
    config = TINY.engine
    step = {"row": 1, "group": 1, "first": 1, "last": 1}
    item = Item({"step": step, "sums": [1] * config.units})
    assert latency(Accumulator(config=config), item) == 2


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    dut = Accumulator(config=find_config(name).engine)
    assert "module accumulator" in to_verilog(dut, name="accumulator")
