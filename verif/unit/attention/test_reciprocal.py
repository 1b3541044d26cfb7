import numpy as np
import pytest

from hw.attention.softmax.reciprocal import Reciprocal
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from sw_model import ops
from verif.lib.configs import find_config
from verif.lib.streams import Item, latency, pipe


def masses(rng, count):
    """0, small ones, powers of two and their neighbours, the largest, and random ones."""
    powers = 1 << np.arange(24)
    fixed = [*range(20), *powers, *(powers - 1), *(powers + 1), (1 << 24) - 1, 255 * 65535]
    spread = rng.integers(0, 1 << 24, count) >> rng.integers(0, 24, count)
    return np.concatenate([np.minimum(fixed, (1 << 24) - 1), spread])


@pytest.mark.parametrize("config", [TINY.engine, PAPER.engine], ids=str)
@pytest.mark.parametrize("chance", [1.0, 0.3])
def test_equals_the_definition(config, chance):
    rng = np.random.default_rng(0)
    totals = masses(rng, 400)
    gains = rng.integers(0, 2, len(totals))
    rows = rng.integers(0, config.tile, len(totals))
    items = [
        Item({"row": int(row), "mass": int(mass), "gain": int(gain)})
        for row, mass, gain in zip(rows, totals, gains, strict=True)
    ]
    taken, cycles = pipe(Reciprocal(config=config), items, len(items), chances=(chance, 1.0))
    r, nb = ops.reciprocal(totals)
    for n, got in enumerate(taken):
        shift = 11 + nb[n] - gains[n]
        assert got.row == rows[n]
        entry = {name: got.entry[name] for name in ("mul", "shift", "add", "rsh", "rmul")}
        half = (1 << shift) >> 1
        assert entry == {"mul": r[n], "shift": shift, "add": half, "rsh": 0, "rmul": 0}
    if chance == 1.0:
        assert cycles <= len(items) + 9, "a row a cycle"


def test_dividing_by_requantisation_is_normalisation():
    """The entry in an exact requantisation gives what `normalise` gives."""
    rng = np.random.default_rng(1)
    totals = masses(rng, 60)
    weighted = (rng.integers(-128, 128, len(totals)) * totals).astype(np.int64)
    items = [Item({"row": 0, "mass": int(mass), "gain": 1}) for mass in totals]
    taken, _ = pipe(Reciprocal(config=TINY.engine), items, len(items))
    got = [
        np.clip((int(n) * entry.mul + entry.add) >> entry.shift, -128, 127)
        for n, entry in zip(weighted, (out.entry for out in taken), strict=True)
    ]
    assert got == ops.normalise(weighted, totals, 1).tolist()


def test_latency():
    item = Item({"row": 1, "mass": 255, "gain": 0})
    assert latency(Reciprocal(config=TINY.engine), item) == 7


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    text = to_verilog(Reciprocal(config=find_config(name).engine), name="reciprocal")
    assert "module reciprocal" in text
