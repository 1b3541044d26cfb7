import numpy as np

from hw.attention.walk.sight import BlockSight
from hw.verilog import to_verilog
from sw_model.ops.mask import attention_mask
from verif.lib.streams import simulate


def test_keys():
    """As many as the mask shows to one row of the block at least."""
    dut = BlockSight()
    rng = np.random.default_rng(4)

    async def testbench(ctx):
        for _ in range(500):
            row, rows, keys = (int(rng.integers(low, 60)) for low in (0, 1, 1))
            kv_len, offset = int(rng.integers(0, keys + 1)), int(rng.integers(-80, 80))
            causal = bool(rng.integers(0, 2))
            mask = attention_mask(
                rows, keys, kv_len=kv_len, causal=causal, offset=offset, first_row=row
            )
            ctx.set(dut.row, row)
            ctx.set(dut.rows, rows)
            ctx.set(dut.mask, {"kv_length": kv_len, "causal": causal, "offset": offset})
            await ctx.tick().repeat(2)
            seen = np.flatnonzero(np.broadcast_to(mask, (rows, keys)).any(axis=0))
            assert ctx.get(dut.keys) == (seen[-1] + 1 if len(seen) else 1)

    simulate(dut, testbench)


def test_extremes():
    """Row numbers and offsets at their limits do not wrap."""
    dut = BlockSight()

    async def testbench(ctx):
        for row, offset, want in ((65534, 32767, 65535), (0, -32768, 1), (65534, -32768, 32767)):
            ctx.set(dut.row, row)
            ctx.set(dut.rows, 1)
            ctx.set(dut.mask, {"kv_length": 65535, "causal": 1, "offset": offset})
            await ctx.tick().repeat(2)
            assert ctx.get(dut.keys) == want

    simulate(dut, testbench)


def test_converts():
    assert "module sight" in to_verilog(BlockSight(), name="sight")
