"""Which bank holds a word."""

from amaranth.hdl import *
from amaranth.utils import exact_log2

from hw.config import WORD_BYTES

_LANES = 8


def bank_and_row(config, addr):
    """Split a byte offset into a bank number and a row in it.

    The word index is {row, group, lane}: 3 bits of lane, log2(banks / 8) bits of group. The bank
    is {group XOR all group-wide digits of the row, lane}: the eight words of a 64-byte beat keep
    eight different banks, and matrices whose row stride is a multiple of `banks * 8` bytes spread
    over all banks. With 8 banks or fewer nothing is hashed. `sw_model.tcdm.locate` is the same
    function of integers.

    Parameters
    ----------
    config : TcdmConfig
        The scratchpad.
    addr : Value, `config.addr_width` bits
        Byte offset; bits 2:0 are ignored.

    Returns
    -------
    bank, row : Value
        `config.bank_bits` and `config.row_bits` wide, combinational.
    """
    word = addr[exact_log2(WORD_BYTES) :]
    row = word[config.bank_bits :]
    if config.banks <= _LANES:
        return word[: config.bank_bits], row
    lane_bits = exact_log2(_LANES)
    group_bits = config.bank_bits - lane_bits
    group = word[lane_bits : config.bank_bits]
    for low in range(0, config.row_bits, group_bits):
        group ^= row[low : low + group_bits]
    return Cat(word[:lane_bits], group), row
