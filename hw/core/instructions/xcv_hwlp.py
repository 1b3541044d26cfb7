"""XCVhwlp: the two hardware loops."""

from hw.core.instructions.format import Format, Instruction
from hw.core.types import LoopOp, Unit

IMMEDIATE = Format()
REGISTER = Format(reads_rs1=True)

_ROWS = (
    ("cv.starti", LoopOp.START, False),
    ("cv.start", LoopOp.START, True),
    ("cv.endi", LoopOp.END, False),
    ("cv.end", LoopOp.END, True),
    ("cv.counti", LoopOp.COUNT, False),
    ("cv.count", LoopOp.COUNT, True),
    ("cv.setupi", LoopOp.SETUP, False),
    ("cv.setup", LoopOp.SETUP, True),
)


def _row(name, op, register):
    setup = op is LoopOp.SETUP
    immediate = "------------" if setup or not register else "0" * 12
    rs1 = "-----" if setup or register else "00000"
    rd = f"0{op.value:02b}{int(register)}-"
    pattern = f"{immediate} {rs1} 100 {rd} 0101011"
    form = REGISTER if register else IMMEDIATE
    return Instruction(name, pattern, form, Unit.LOOP, op.value << 1 | register)


INSTRUCTIONS = tuple(_row(*row) for row in _ROWS)
"""Bit 0 of the operation: from a register; the rest is a `LoopOp`. Bit 7 of the instruction is
the loop's number."""
