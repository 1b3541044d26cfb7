"""Xheed: Heed's own instruction.

`heed.rq rd, rs1, rs2, lane, clip` requantises the accumulator rs1 and puts the result into one
byte of rd; docs/reference/isa.md has its encoding.
"""

from sw_model.isa import row
from sw_model.isa.bits import signed
from sw_model.isa.fields import FIELDS


def requantise(accumulator: int, parameters: int, unsigned: bool) -> int:
    """Return clip(((accumulator * mul + half) >> shift) + zero point), exactly.

    Parameters
    ----------
    accumulator
        32 bits, signed.
    parameters
        Zero point (signed) in bits 31:24, shift in 20:16, multiplier (unsigned) in 15:0.
    unsigned
        Clips to 0..255 rather than -128..127.
    """
    zero_point, shift = signed(parameters >> 24, 8), parameters >> 16 & 31
    half = (1 << shift) >> 1
    value = (signed(accumulator) * (parameters & 0xFFFF) + half >> shift) + zero_point
    low, high = (0, 255) if unsigned else (-128, 127)
    return max(low, min(value, high))


def _rq(rs1, rs2, rs3, word):
    low = 8 * FIELDS["lane"].get(word)
    value = requantise(rs1, rs2, bool(FIELDS["clip"].get(word)))
    return rs3 & ~(0xFF << low) | (value & 0xFF) << low


ROWS = (
    row.computed(
        *("heed.rq", "xheed", 0xF000707F, 5 << 12 | 0x2B, "rd, rs1, rs2, lane, clip", _rq),
        reads_rd=True,
    ),
)
