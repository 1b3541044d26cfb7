import numpy as np
import pytest

from hw.attention.norm.root import Root
from hw.verilog import to_verilog
from verif.lib.norm_rows import random_row, scale, sums
from verif.lib.streams import Item, latency, pipe

STALLS = [(1.0, 1.0), (0.05, 1.0), (1.0, 0.03), (0.5, 0.3)]


def extremes():
    """Return rows whose variance has every length, and the largest ones."""
    rows = [np.array([0, 1 << n]) for n in range(15)]  # V = 4^n
    rows += [np.array([0, (1 << n) - 1]) for n in range(1, 16)]
    rows += [np.array([0] * 3 + [1 << n]) for n in range(15)]  # V = 3 * 4^n
    for channels in (1, 2, 3, 4095, 4096):
        rows += [np.full(channels, value) for value in (-32768, 32767, 0)]
        rows.append(np.where(np.arange(channels) % 2, -32768, 32767))
    return rows


def run(rows, chances=(1.0, 1.0)):
    """Return r and shift of each row, the other fields checked, and the cycles."""
    names = ("channels", "total", "squares")
    items = [
        Item(dict(zip(names, sums(x), strict=True)) | {"release": n % 3 == 0})
        for n, x in enumerate(rows)
    ]
    taken, cycles = pipe(Root(), items, len(items), chances=chances)
    for item, got in zip(items, taken, strict=True):
        assert all(got[name] == item.payload[name] for name in ("channels", "total", "release"))
    return [(got.r, got.shift) for got in taken], cycles


@pytest.mark.parametrize("chances", STALLS)
def test_equals_the_definition(chances):
    rng = np.random.default_rng(0)
    rows = extremes() + [random_row(rng, size) for size in rng.integers(1, 4097, 60)]
    results, _ = run(rows, chances)
    assert results == [scale(*sums(x)) for x in rows]


def test_a_row_every_ten_cycles():
    rng = np.random.default_rng(1)
    rows = [random_row(rng, 384) for _ in range(30)]
    _, cycles = run(rows)
    assert cycles <= 10 * len(rows) + 28


def test_latency():
    item = Item({"channels": 2, "total": 1, "squares": 1, "release": 0})
    assert latency(Root(), item) == 28


def test_converts():
    assert "module root" in to_verilog(Root(), name="root")
