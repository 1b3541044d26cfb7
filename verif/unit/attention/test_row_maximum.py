import numpy as np
import pytest

from hw.attention.softmax.row_maximum import RowMaximum
from hw.config import EngineConfig
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.streams import simulate


@pytest.mark.parametrize("config", [TINY.engine, EngineConfig(units=16, lanes=16)], ids=str)
def test_equals_numpy(config):
    dut = RowMaximum(config=config)
    rng = np.random.default_rng(0)
    rows = np.full(config.tile, -128)

    async def expect(ctx):
        for row in range(config.tile):
            ctx.set(dut.row, row)
            assert ctx.get(dut.maximum) == rows[row]

    async def testbench(ctx):
        await expect(ctx)
        for n in range(300):
            valid, row = rng.random() < 0.8, int(rng.integers(config.tile))
            low = rng.integers(-128, 127)
            values = rng.integers(low, 128, config.units)
            keep = rng.random(config.units) < rng.random()
            clear = n % 100 == 99
            ctx.set(dut.update.valid, valid)
            ctx.set(dut.update.row, row)
            ctx.set(dut.update.values, dut.update.values.shape().const(values.tolist()))
            ctx.set(dut.update.keep, sum(1 << k for k in np.flatnonzero(keep).tolist()))
            ctx.set(dut.clear, clear)
            await ctx.tick()
            if clear:
                rows[:] = -128
            elif valid:
                rows[row] = max([rows[row], *values[keep]])
            ctx.set(dut.row, row)
            assert ctx.get(dut.maximum) == rows[row]
            if n % 20 == 0 or clear:
                await expect(ctx)

    simulate(dut, testbench)


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module maximum" in to_verilog(RowMaximum(config=preset.engine), name="maximum")
