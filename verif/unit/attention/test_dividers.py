import numpy as np
import pytest

from hw.attention.softmax.dividers import Dividers
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.streams import Item, receive, send, simulate


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("chances", [(1, 1), (0.1, 1), (1, 0.1)], ids=str)
def test_order_and_speed(count, chances):
    dut = Dividers(config=TINY.engine, count=count)
    rng = np.random.default_rng(1)
    masses = [0, 1, 4095, 4096, 1 << 23, (1 << 24) - 1, *rng.integers(0, 1 << 24, 24).tolist()]
    items = [Item({"row": n % 16, "mass": d, "gain": n % 2}) for n, d in enumerate(masses)]

    async def sender(ctx):
        await send(ctx, dut, dut.i, items, rng, chances[0])

    async def receiver(ctx):
        for n, got in enumerate(await receive(ctx, dut.o, len(items), rng, chances[1])):
            mass = max(masses[n], 1)
            bits = mass.bit_length()
            assert got.row == n % 16
            assert got.entry.mul == min((1 << 11 + bits) // mass, 4095)
            assert got.entry.shift == 11 + bits - n % 2

    cycles = simulate(dut, sender, receiver)
    if chances == (1, 1):
        assert cycles <= 15 * len(items) // count + 20


@pytest.mark.parametrize("count", [0, 1, 3, 32])
def test_count_is_checked(count):
    with pytest.raises(ValueError, match=f"count is {count}, but must be a power of two"):
        Dividers(config=TINY.engine, count=count)


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    text = to_verilog(Dividers(config=preset.engine, count=4), name="dividers")
    assert "module dividers" in text
