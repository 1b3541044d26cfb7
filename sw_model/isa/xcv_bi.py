"""XCVbi: section "Immediate Branching operations" of the CV32E40P manual, version 2."""

from sw_model.isa import row
from sw_model.isa.bits import MASK
from sw_model.isa.fields import FIELDS, imm_b
from sw_model.isa.row import Row


def _branch(name, code3, equal):
    mask, match = row.funct3(0x0B, code3)

    def execute(hart, i):
        if (hart.x[i.rs1] == FIELDS["imm5"].get(i.word) & MASK) == equal:
            hart.jump(hart.pc + imm_b(i.word))

    return Row(name, "xcv_bi", mask, match, "rs1, imm5, imm_b", execute)


ROWS = (_branch("cv.beqimm", 6, True), _branch("cv.bneimm", 7, False))
