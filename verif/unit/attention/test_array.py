import numpy as np
import pytest

from hw.attention.datapath.array import DotArray
from hw.config import EngineConfig
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import Item, latency, pipe

CONFIGS = [TINY.engine, EngineConfig(units=16, lanes=16), EngineConfig(units=2, lanes=32)]
STALLS = [(1.0, 1.0), (0.7, 0.5)]


def random_steps(config, rng, count):
    """Return `count` items and the sums expected of them; extremes come first."""
    items, expected = [], []
    for n in range(count):
        weights = rng.integers(-128, 128, (config.units, config.lanes))
        x = rng.integers(-128, 256, config.lanes)
        if n < 4:
            weights[:] = (-128, 127)[n & 1]
            x[:] = (-256, 255)[n >> 1]
        step = {
            "row": int(rng.integers(config.tile)),
            "group": int(rng.integers(config.groups)),
            "first": int(rng.integers(2)),
            "last": int(rng.integers(2)),
        }
        items.append(Item({"step": step, "x": x.tolist()}, {"weights": weights.tolist()}))
        expected.append((step, (weights @ x).tolist()))
    return items, expected


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("chances", STALLS)
def test_products(config, chances):
    items, expected = random_steps(config, np.random.default_rng(3), 40)
    taken, cycles = pipe(DotArray(config=config), items, len(items), chances=chances)
    for got, (step, sums) in zip(taken, expected, strict=True):
        assert {name: got.step[name] for name in step} == step
        assert list(got.sums) == sums
    if chances == (1.0, 1.0):
        assert cycles <= len(items) + 3, "one step a cycle"


def test_the_paper_array():
    items, expected = random_steps(PAPER.engine, np.random.default_rng(4), 6)
    taken, _ = pipe(DotArray(config=PAPER.engine), items, len(items))
    assert [list(got.sums) for got in taken] == [sums for _, sums in expected]


def test_latency():
    config = TINY.engine
    items, _ = random_steps(config, np.random.default_rng(0), 1)
    assert latency(DotArray(config=config), items[0]) == 1


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    config = find_config(name).engine
    assert to_verilog(DotArray(config=config), name="array").count("unit_") >= config.units
