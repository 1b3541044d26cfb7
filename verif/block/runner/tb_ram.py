"""heed_ram against a list of words; and tests that must fail, for the runner's own test."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

DEPTH = int(os.environ["DEPTH"])
LANES = int(os.environ["LANES"])


@cocotb.test(timeout_time=30, timeout_unit="us")
async def random_accesses(dut):
    """Reads show what strobed writes left; `rdata` holds through idle cycles and writes."""
    words, expected = [0] * DEPTH, 0
    dut.en.value = 0
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await RisingEdge(dut.clk)
    for _ in range(2500):
        en, we = random.random() < 0.7, random.random() < 0.5
        addr, strobe = random.randrange(DEPTH), random.getrandbits(LANES)
        wdata = random.getrandbits(8 * LANES)
        dut.en.value, dut.we.value, dut.addr.value = en, we, addr
        dut.wdata.value, dut.strobe.value = wdata, strobe
        await RisingEdge(dut.clk)  # samples what the edge before left
        assert dut.rdata.value == expected
        if en and we:
            mask = sum(0xFF << 8 * lane for lane in range(LANES) if strobe >> lane & 1)
            words[addr] = words[addr] & ~mask | wdata & mask
        elif en:
            expected = words[addr]


@cocotb.test(timeout_time=1, timeout_unit="us")
async def must_fail(dut):
    dut.en.value = 0
    assert dut.en.name == "no such port"


@cocotb.test(timeout_time=1, timeout_unit="us")
async def must_time_out(dut):
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    while True:
        await RisingEdge(dut.clk)
