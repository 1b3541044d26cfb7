import numpy as np
import pytest

from hw.attention.queue import Queue
from hw.attention.types import TileRow
from hw.presets import TINY
from hw.verilog import to_verilog
from verif.lib.streams import Item, receive, send, simulate

SHAPE = TileRow(TINY.engine)


@pytest.mark.parametrize("depth", [2, 4, 8])
@pytest.mark.parametrize("chances", [(1, 1), (1, 0.4), (0.4, 1), (0.6, 0.6)], ids=str)
def test_keeps_order(depth, chances):
    dut = Queue(SHAPE, depth=depth)
    rng = np.random.default_rng(depth)
    items = [
        Item({"row": int(rng.integers(16)), "data": rng.integers(0, 256, 16).tolist()})
        for _ in range(100)
    ]

    async def sender(ctx):
        await send(ctx, dut, dut.i, items, rng, chances[0])

    async def receiver(ctx):
        got = await receive(ctx, dut.o, len(items), rng, chances[1])
        assert [value.as_bits() for value in got] == [
            SHAPE.const(i.payload).as_bits() for i in items
        ]
        assert ctx.get(dut.level) == 0

    cycles = simulate(dut, sender, receiver)
    if chances == (1, 1):
        assert cycles <= len(items) + 3, "an item a cycle"


def test_fills_up():
    dut = Queue(8, depth=4)

    async def testbench(ctx):
        ctx.set(dut.i.valid, 1)
        for level in range(4):
            assert ctx.get(dut.level) == level and ctx.get(dut.i.ready)
            ctx.set(dut.i.payload, 10 + level)
            await ctx.tick()
        assert not ctx.get(dut.i.ready)
        ctx.set(dut.i.payload, 99)
        await ctx.tick()
        assert ctx.get(dut.level) == 4 and ctx.get(dut.o.payload) == 10

    simulate(dut, testbench)


@pytest.mark.parametrize("depth", [0, 1, 3, 128, "4"])
def test_depth_is_checked(depth):
    with pytest.raises(ValueError, match=f"depth is {depth!r}, but must be a power of two"):
        Queue(8, depth=depth)


def test_converts():
    assert "module queue" in to_verilog(Queue(SHAPE, depth=4), name="queue")
