"""RegisterBank: reads, writes, strobes and errors of every kind of register."""

import pytest
from amaranth.back import verilog
from amaranth.sim import Simulator

from hw import regmap
from hw.common.register_bank import RegisterBank
from hw.registers import Block, Register

BLOCK = Block(
    "sample",
    0,
    "One of each.",
    (
        Register("stored", 0x0, "rw", "Stored.", reset=7),
        Register("shown", 0x4, "ro", "Shown.", count=2, stride_words=2),
        Register("handed", 0x8, "wo", "Handed over."),
        Register("flags", 0x10, "w1c", "Cleared by ones."),
    ),
)


class Bus:
    """Drives the bank's port and samples strobes in the cycle of the request."""

    def __init__(self, ctx, dut):
        self.ctx, self.dut = ctx, dut

    async def access(self, addr, data=None, strobe=0xF):
        port, ctx = self.dut.bus, self.ctx
        ctx.set(port.req.payload.addr, addr)
        ctx.set(port.req.payload.write, data is not None)
        ctx.set(port.req.payload.data, data or 0)
        ctx.set(port.req.payload.strobe, strobe)
        ctx.set(port.req.valid, 1)
        strobes = {
            "handed": ctx.get(self.dut.handed_write),
            "flags": ctx.get(self.dut.flags_write),
        }
        await ctx.tick()
        ctx.set(port.req.valid, 0)
        assert ctx.get(port.rsp.valid) == 1
        result = ctx.get(port.rsp.data), ctx.get(port.rsp.error)
        await ctx.tick()
        assert ctx.get(port.rsp.valid) == 0
        return *result, strobes


def run(testbench):
    dut = RegisterBank(BLOCK)
    sim = Simulator(dut)
    sim.add_clock(1e-6)

    async def bench(ctx):
        await testbench(ctx, dut, Bus(ctx, dut))

    sim.add_testbench(bench)
    sim.run()


def test_stored_register_resets_reads_and_writes():
    async def bench(ctx, dut, bus):
        assert (await bus.access(0x0))[:2] == (7, 0)
        assert (await bus.access(0x0, 0x12345678))[1] == 0
        assert ctx.get(dut.stored) == 0x12345678
        assert (await bus.access(0x0))[:2] == (0x12345678, 0)

    run(bench)


def test_read_only_array_shows_each_element_and_refuses_writes():
    async def bench(ctx, dut, bus):
        ctx.set(dut.shown[0], 11)
        ctx.set(dut.shown[1], 22)
        assert (await bus.access(0x4))[:2] == (11, 0)
        assert (await bus.access(0xC))[:2] == (22, 0)
        assert (await bus.access(0x4, 5))[1] == 1

    run(bench)


def test_write_only_strobes_once_and_reads_as_zero():
    async def bench(ctx, dut, bus):
        ctx.set(dut.bus.req.payload.data, 99)
        assert ctx.get(dut.handed_data) == 99
        assert (await bus.access(0x8, 99))[1:] == (0, {"handed": 1, "flags": 0})
        assert (await bus.access(0x8))[:] == (0, 0, {"handed": 0, "flags": 0})

    run(bench)


def test_write_one_to_clear_hands_over_the_bits():
    async def bench(ctx, dut, bus):
        ctx.set(dut.flags, 0xF0)
        assert (await bus.access(0x10))[:2] == (0xF0, 0)
        assert (await bus.access(0x10, 0x30))[1:] == (0, {"handed": 0, "flags": 1})

    run(bench)


@pytest.mark.parametrize("addr", [0x14, 0x2, 0xFFC])
def test_address_without_a_register_is_an_error(addr):
    async def bench(ctx, dut, bus):
        assert (await bus.access(addr))[1] == 1
        assert (await bus.access(addr, 1))[1] == 1
        assert ctx.get(dut.stored) == 7

    run(bench)


def test_partial_write_is_an_error_and_changes_nothing():
    async def bench(ctx, dut, bus):
        assert (await bus.access(0x0, 1, strobe=0x3))[1] == 1
        assert ctx.get(dut.stored) == 7
        assert (await bus.access(0x8, 1, strobe=0x1))[1:] == (1, {"handed": 0, "flags": 0})

    run(bench)


def test_block_must_be_a_block():
    with pytest.raises(TypeError, match="block is 3"):
        RegisterBank(3)


@pytest.mark.parametrize("block", regmap.BLOCKS, ids=lambda block: block.name)
def test_converts_to_verilog(block):
    assert "module top" in verilog.convert(RegisterBank(block))
