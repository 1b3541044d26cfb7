"""Heed's own instruction."""

from hw.core.instructions.format import R_ACCUMULATE, Instruction
from hw.core.types import Unit

INSTRUCTIONS = (
    Instruction("heed.rq", "0000--- ----- ----- 101 ----- 0101011", R_ACCUMULATE, Unit.REQUANTISE),
)
"""Bits 29:25 say which byte is written, and how it is clipped: `hw.core.units.requantise`."""
