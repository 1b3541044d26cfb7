"""Ram against a list of words, and its Verilog."""

import random

import pytest
from amaranth.sim import Simulator

from hw.common.ram import Ram
from hw.verilog import to_verilog


@pytest.mark.parametrize("depth, width", [(2, 8), (16, 64), (48, 32)])
def test_random_accesses(depth, width):
    """Reads show what strobed writes left; `rdata` holds through idle cycles and writes."""
    dut = Ram(depth=depth, width=width)
    words = [0] * depth
    lanes = width // 8

    async def bench(ctx):
        rng = random.Random(depth)
        expected = 0
        for _ in range(600):
            en, we = rng.random() < 0.7, rng.random() < 0.5
            addr, strobe = rng.randrange(depth), rng.getrandbits(lanes)
            wdata = rng.getrandbits(width)
            ctx.set(dut.en, en)
            ctx.set(dut.we, we)
            ctx.set(dut.addr, addr)
            ctx.set(dut.wdata, wdata)
            ctx.set(dut.strobe, strobe)
            if en and we:
                mask = sum(0xFF << 8 * lane for lane in range(lanes) if strobe >> lane & 1)
                words[addr] = words[addr] & ~mask | wdata & mask
            elif en:
                expected = words[addr]
            await ctx.tick()
            assert ctx.get(dut.rdata) == expected
        assert [ctx.get(dut.data[index]) for index in range(depth)] == words

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_verilog_instantiates_the_hand_written_module():
    text = to_verilog(Ram(depth=48, width=32), name="top")
    assert "heed_ram #(" in text
    assert ".DEPTH(32'd48)" in text and ".WIDTH(32'd32)" in text


@pytest.mark.parametrize("depth, width, message", [(1, 64, "depth is 1"), (8, 12, "width is 12")])
def test_refuses(depth, width, message):
    with pytest.raises(ValueError, match=message):
        Ram(depth=depth, width=width)
