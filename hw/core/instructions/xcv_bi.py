"""XCVbi: branches that compare with a small number."""

from hw.core.instructions.format import Format, Instruction
from hw.core.types import ImmediateFormat, OperandB, Unit

BI = Format(immediate=ImmediateFormat.B, b=OperandB.LOW, base_pc=True, reads_rs1=True)
EQUAL, NOT_EQUAL = 0, 1
"""As funct3 of the base's branches."""

INSTRUCTIONS = (
    Instruction("cv.beqimm", "------- ----- ----- 110 ----- 0001011", BI, Unit.BRANCH, EQUAL),
    Instruction("cv.bneimm", "------- ----- ----- 111 ----- 0001011", BI, Unit.BRANCH, NOT_EQUAL),
)
