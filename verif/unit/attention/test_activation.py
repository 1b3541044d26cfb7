import numpy as np
import pytest

from hw.attention.datapath.activation import Activation
from hw.config import EngineConfig
from hw.presets import TINY
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.streams import simulate


@pytest.mark.parametrize("config", [TINY.engine, EngineConfig(units=16, lanes=16)], ids=str)
def test_looks_up(config):
    """One table is looked up in while the other one is written, again and again."""
    dut = Activation(config=config)
    rng = np.random.default_rng(0)
    tables = [None, None]

    async def write(ctx, bank):
        tables[bank] = rng.integers(0, 256, 256).astype(np.uint8)
        for word in rng.permutation(32).tolist():
            data = tables[bank][8 * word : 8 * word + 8].tobytes()
            ctx.set(dut.write.valid, 1)
            ctx.set(dut.write.bank, bank)
            ctx.set(dut.write.addr, word)
            ctx.set(dut.write.data, int.from_bytes(data, "little"))
            await look_up(ctx, 1 - bank, rng.integers(0, 256, config.units))
        ctx.set(dut.write.valid, 0)

    async def look_up(ctx, bank, indices):
        ctx.set(dut.bank, bank)
        ctx.set(dut.index, dut.index.shape().const(indices.tolist()))
        ctx.set(dut.enable, 1)
        await ctx.tick()
        ctx.set(dut.write.valid, 0)
        ctx.set(dut.enable, 0)
        ctx.set(dut.bank, 1 - bank)
        ctx.set(dut.index, dut.index.shape().const([0] * config.units))
        for _ in range(2):  # and holds
            if tables[bank] is not None:
                assert [ctx.get(v) for v in dut.value] == tables[bank][indices].tolist()
            await ctx.tick()

    async def testbench(ctx):
        for bank in (0, 1, 0):
            await write(ctx, bank)
            for indices in np.arange(256).reshape(-1, config.units):
                await look_up(ctx, bank, indices)

    simulate(dut, testbench)


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    dut = Activation(config=find_config(name).engine)
    assert "module activation" in to_verilog(dut, name="activation")
