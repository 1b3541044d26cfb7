"""The gateware's bank hash equals the model's for every word."""

import numpy as np
import pytest
from amaranth.hdl import *
from amaranth.sim import Simulator

from hw.config import TcdmConfig
from hw.presets import PAPER, TINY
from hw.tcdm.hash import bank_and_row
from sw_model.tcdm import TcdmImage, locate, offset_of

CONFIGS = [
    TcdmConfig(banks=2, bank_bytes=2048),
    TINY.tcdm,
    TcdmConfig(banks=16, bank_bytes=512),
    TcdmConfig(banks=128, bank_bytes=512),
    PAPER.tcdm,
]


@pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda config: f"{config.banks}x{config.bank_bytes}"
)
def test_gateware_equals_model(config):
    addr = Signal(config.addr_width)
    bank, row = bank_and_row(config, addr)
    assert (len(bank), len(row)) == (config.bank_bits, config.row_bits)

    async def bench(ctx):
        for offset in range(0, config.bytes, 8):
            ctx.set(addr, offset | offset // 8 % 8)  # the low bits mean nothing
            assert (ctx.get(bank), ctx.get(row)) == locate(config, offset), f"{offset:#x}"

    module = Module()
    module.d.comb += Signal(config.bank_bits).eq(bank)
    simulator = Simulator(module)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda config: f"{config.banks}x{config.bank_bytes}"
)
def test_every_word_has_a_place_of_its_own(config):
    """`offset_of` inverts `locate`, so no two words share a bank's row."""
    for offset in range(0, config.bytes, 8):
        bank, row = locate(config, offset)
        assert row == offset // 8 // config.banks
        assert offset_of(config, bank, row) == offset


def test_worked_example():
    """Word index 0b1_10_11_01_010: row 0b11011, group 0b01, lane 0b010 of 32 banks."""
    config = TcdmConfig(banks=32, bank_bytes=4096)
    # Digits of the row: 11, 10, 1. Their XOR with the group: 01 ^ 11 ^ 10 ^ 01 = 01.
    assert locate(config, 0b1_10_11_01_010 << 3) == (0b01_010, 0b1_10_11)
    assert locate(config, 0b11_01_010 << 3) == (0b10_010, 0b11)


def test_strides_spread():
    """A column of a matrix with a stride of 256 bytes meets all four groups of the 32 banks."""
    banks = {locate(PAPER.tcdm, 256 * row)[0] for row in range(64)}
    assert banks == {0, 8, 16, 24}


@pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda config: f"{config.banks}x{config.bank_bytes}"
)
def test_image_moves_to_banks_and_back(config):
    image = TcdmImage(config, np.random.default_rng(1).bytes(config.bytes))
    words = image.to_banks()
    for offset in range(0, config.bytes, 8 * 61):
        assert int(words[locate(config, offset)]) == image.load(offset)
    other = TcdmImage(config)
    other.from_banks(words)
    assert other.bytes == image.bytes


def test_image_stores_strobed_bytes():
    image = TcdmImage(TINY.tcdm)
    image.store(0x105, 0x8877665544332211, 0b10100101)
    assert image.bytes[0x100:0x108] == bytes([0x11, 0, 0x33, 0, 0, 0x66, 0, 0x88])
    assert image.load(0x107) == 0x8800660000330011


def test_refuses():
    with pytest.raises(ValueError, match="offset is 0x20000, but must be from 0 to 0x1ffff"):
        locate(PAPER.tcdm, 0x20000)
    with pytest.raises(ValueError, match="bank is 32"):
        offset_of(PAPER.tcdm, 32, 0)
    with pytest.raises(ValueError, match="row is -1"):
        offset_of(PAPER.tcdm, 0, -1)
    with pytest.raises(ValueError, match="data has 3 bytes"):
        TcdmImage(PAPER.tcdm, b"abc")
    with pytest.raises(ValueError, match="words has shape"):
        TcdmImage(PAPER.tcdm).from_banks(np.zeros((2, 2), np.uint64))
    with pytest.raises(ValueError, match="offset is -0x8"):
        TcdmImage(PAPER.tcdm).load(-8)
