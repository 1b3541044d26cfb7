"""The A extension: load-reserved, store-conditional and atomic memory operations."""

from hw.core.instructions.format import Format, Instruction
from hw.core.types import Offset, OperandB, Unit
from hw.tcdm.bus import TcdmOp

READ = Format(offset=Offset.ZERO, reads_rs1=True, writes_rd=True)
MODIFY = READ._replace(b=OperandB.RS2, reads_rs2=True)

_OPERATIONS = {
    "lr.w": (0b00010, TcdmOp.LR),
    "sc.w": (0b00011, TcdmOp.SC),
    "amoswap.w": (0b00001, TcdmOp.AMO_SWAP),
    "amoadd.w": (0b00000, TcdmOp.AMO_ADD),
    "amoxor.w": (0b00100, TcdmOp.AMO_XOR),
    "amoand.w": (0b01100, TcdmOp.AMO_AND),
    "amoor.w": (0b01000, TcdmOp.AMO_OR),
    "amomin.w": (0b10000, TcdmOp.AMO_MIN),
    "amomax.w": (0b10100, TcdmOp.AMO_MAX),
    "amominu.w": (0b11000, TcdmOp.AMO_MINU),
    "amomaxu.w": (0b11100, TcdmOp.AMO_MAXU),
}


def _row(name, funct5, op):
    load = op is TcdmOp.LR
    rs2 = "00000" if load else "-----"
    pattern = f"{funct5:05b} - - {rs2} ----- 010 ----- 0101111"
    return Instruction(name, pattern, READ if load else MODIFY, Unit.ATOMIC, op.value)


INSTRUCTIONS = tuple(_row(name, *row) for name, row in _OPERATIONS.items())
