import numpy as np
import pytest

from hw.attention.norm.statistics import Statistics
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.norm_rows import element_rows, random_row
from verif.lib.streams import latency, pipe

STALLS = [(1.0, 1.0), (0.4, 1.0), (1.0, 0.1), (0.5, 0.5)]
NAMES = ["tiny", "narrow", "square", "half", "paper"]


@pytest.mark.parametrize("chances", STALLS)
@pytest.mark.parametrize("name", NAMES)
def test_equals_the_definition(name, chances):
    config = find_config(name).engine
    rng = np.random.default_rng(0)
    sizes = [1, 1, 1, 2, config.units, config.units + 1, *rng.integers(1, 100, 12)]
    rows = [random_row(rng, size) for size in sizes]
    releases = rng.integers(0, 2, len(rows))
    items = [
        item
        for x, release in zip(rows, releases, strict=True)
        for item in element_rows(x, config, rng, release=int(release))
    ]
    taken, _ = pipe(Statistics(config=config), items, len(rows), chances=chances)
    for x, release, got in zip(rows, releases, taken, strict=True):
        assert (got.channels, got.release) == (len(x), release)
        assert (got.total, got.squares) == (x.sum(), (x * x).sum())


@pytest.mark.parametrize("value", [-32768, 32767])
def test_the_longest_rows(value):
    config = PAPER.engine
    x = np.full(4096, value)
    items = element_rows(x, config, np.random.default_rng(0))
    (got,), _ = pipe(Statistics(config=config), items, 1)
    assert (got.channels, got.total, got.squares) == (4096, 4096 * value, 4096 * value**2)


def test_a_cycle_for_each_element_row():
    config = TINY.engine
    rng = np.random.default_rng(0)
    rows = [random_row(rng, 2 * config.units) for _ in range(20)]
    items = [item for x in rows for item in element_rows(x, config, rng)]
    _, cycles = pipe(Statistics(config=config), items, len(rows))
    assert cycles <= len(items) + 5


@pytest.mark.parametrize("name, cycles", [("tiny", 3), ("half", 3), ("paper", 4)])
def test_latency(name, cycles):
    config = find_config(name).engine
    (item,) = element_rows(np.ones(1, int), config, np.random.default_rng(0))
    assert latency(Statistics(config=config), item) == cycles


@pytest.mark.parametrize("name", NAMES)
def test_converts(name):
    text = to_verilog(Statistics(config=find_config(name).engine), name="statistics")
    assert "module statistics" in text
