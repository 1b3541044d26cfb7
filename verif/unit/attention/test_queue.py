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
@pytest.mark.parametrize("fall_through", [False, True])
def test_keeps_order(depth, chances, fall_through):
    dut = Queue(SHAPE, depth=depth, fall_through=fall_through)
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


@pytest.mark.parametrize("fall_through", [False, True])
def test_latency(fall_through):
    dut = Queue(SHAPE, depth=2, fall_through=fall_through)
    item = {"row": 3, "data": [7] * 16}

    async def testbench(ctx):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.payload, SHAPE.const(item))
        ctx.set(dut.i.valid, 1)
        assert ctx.get(dut.o.valid) == fall_through
        if not fall_through:
            await ctx.tick()
        assert ctx.get(dut.o.valid)
        assert ctx.get(dut.o.payload).as_bits() == SHAPE.const(item).as_bits()
        if fall_through:
            await ctx.tick()
            assert ctx.get(dut.level) == 0, "it went past the queue"

    simulate(dut, testbench)


@pytest.mark.parametrize("fall_through", [False, True])
def test_fills_up(fall_through):
    dut = Queue(8, depth=4, fall_through=fall_through)

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


@pytest.mark.parametrize("fall_through", [False, True])
def test_converts(fall_through):
    queue = Queue(SHAPE, depth=4, fall_through=fall_through)
    assert "module queue" in to_verilog(queue, name="queue")
