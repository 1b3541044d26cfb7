import numpy as np
import pytest

from hw.attention.datapath.activation import Activation
from hw.config import EngineConfig
from hw.presets import PAPER, TINY
from hw.verilog import to_verilog
from verif.lib.streams import simulate


@pytest.mark.parametrize("config", [TINY.engine, EngineConfig(units=16, lanes=16)], ids=str)
def test_looks_up(config):
    dut = Activation(config=config)
    rng = np.random.default_rng(0)

    async def testbench(ctx):
        for _ in range(2):  # the second table replaces the first
            table = rng.integers(0, 256, 256).astype(np.uint8)
            for word in rng.permutation(32).tolist():
                ctx.set(dut.write.valid, 1)
                ctx.set(dut.write.addr, word)
                data = table[8 * word : 8 * word + 8].tobytes()
                ctx.set(dut.write.data, int.from_bytes(data, "little"))
                await ctx.tick()
            ctx.set(dut.write.valid, 0)
            indices = np.concatenate([np.arange(256), rng.integers(0, 256, 16 * config.units)])
            for index in indices.reshape(-1, config.units).tolist():
                ctx.set(dut.index, dut.index.shape().const(index))
                ctx.set(dut.enable, 1)
                await ctx.tick()
                ctx.set(dut.enable, 0)
                for _ in range(2):  # and holds
                    assert [ctx.get(v) for v in dut.value] == table[index].tolist()
                    ctx.set(dut.index, dut.index.shape().const([0] * config.units))
                    await ctx.tick()

    simulate(dut, testbench)


@pytest.mark.parametrize("preset", [TINY, PAPER], ids=lambda preset: preset.name)
def test_converts(preset):
    assert "module activation" in to_verilog(Activation(config=preset.engine), name="activation")
