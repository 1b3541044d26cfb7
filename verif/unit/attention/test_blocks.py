import pytest

from hw.attention.walk.blocks import BlockRows
from hw.verilog import to_verilog
from verif.lib.streams import simulate


@pytest.mark.parametrize("tile", [16, 64])
def test_block_rows(tile):
    dut = BlockRows(tile=tile)

    async def testbench(ctx):
        for rows in [*range(1, 5 * tile), 1000, 65521, 65535]:
            ctx.set(dut.rows, rows)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            await ctx.tick().until(dut.done)
            assert ctx.get(dut.block_rows) == -(-rows // -(-rows // tile))

    simulate(dut, testbench)


def test_converts():
    assert "module blocks" in to_verilog(BlockRows(tile=64), name="blocks")
