import numpy as np
import pytest

from hw.attention.streams.tile import TileBuffer
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import Item, send, simulate


@pytest.mark.parametrize("chance", [1, 0.5])
def test_fills_one_while_the_other_is_read(chance):
    config = find_config("tiny").engine
    dut = TileBuffer(config=config)
    rng = np.random.default_rng(2)
    tiles = [rng.integers(0, 256, (int(rng.integers(1, 17)), 16)).tolist() for _ in range(30)]
    free = 2

    async def filler(ctx):
        nonlocal free
        for tile in tiles:
            while not free:
                await ctx.tick()
            free -= 1
            items = [Item({"row": row, "data": data}) for row, data in enumerate(tile)]
            await send(ctx, dut, dut.i, items, rng, chance)

    async def reader(ctx):
        nonlocal free
        for tile in tiles:
            for _ in range(int(rng.integers(1, 4))):
                for row, data in enumerate(tile):
                    while ctx.get(dut.filled) <= row:
                        await ctx.tick()
                    ctx.set(dut.row, row)
                    ctx.set(dut.enable, 1)
                    await ctx.tick()
                    ctx.set(dut.enable, 0)
                    assert ctx.get(dut.data) == int.from_bytes(bytes(data), "little")
            assert ctx.get(dut.filled) == len(tile)
            ctx.set(dut.release, 1)
            await ctx.tick()
            ctx.set(dut.release, 0)
            free += 1

    simulate(dut, filler, reader)


def test_row_can_be_read_in_the_cycle_after_it_arrived():
    """Also the first row of a tile, after the release of the one before."""
    config = find_config("tiny").engine
    dut = TileBuffer(config=config)
    rows = 5

    async def testbench(ctx):
        for tile in range(4):
            for row in range(rows):
                ctx.set(dut.i.payload, {"row": row, "data": [tile + row] * config.lanes})
                ctx.set(dut.i.valid, 1)
                ctx.set(dut.enable, row > 0)
                ctx.set(dut.row, max(row - 1, 0))
                ctx.set(dut.release, tile > 0 and row == 0)
                await ctx.tick()
                assert ctx.get(dut.filled) == row + 1
                if row:
                    assert ctx.get(dut.data) & 0xFF == tile + row - 1
            ctx.set(dut.i.valid, 0)
            ctx.set(dut.enable, 0)

    simulate(dut, testbench)


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    assert "module tile" in to_verilog(TileBuffer(config=find_config(name).engine), name="tile")
