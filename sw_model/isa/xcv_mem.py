"""XCVmem: section "Post-Increment Load & Store Instructions and Register-Register Load & Store
Instructions" of the CV32E40P manual, version 2.

Post-increment: the address is the base, and the base plus the offset is written back. A load that
names its base as destination keeps what it loads. Whatever traps writes nothing. `cv.elw` does not
exist here.
"""

from sw_model.isa import row
from sw_model.isa.fields import imm_i, imm_s
from sw_model.isa.row import Row

GROUP = "xcv_mem"


def _load_post(hart, i, size, is_signed, offset):
    base = hart.x[i.rs1]
    value = hart.load(base, size, is_signed)
    if i.rs1 != i.rd:
        hart.write_base(i.rs1, base + offset)
    hart.write(i.rd, value)


def _store_post(hart, i, size, offset):
    base = hart.x[i.rs1]
    hart.store(base, size, hart.x[i.rs2])
    hart.write_base(i.rs1, base + offset)


def _load_rows(name, size, is_signed, code3, code):
    """The three forms of a load; `code` is the low part of funct7."""

    def post_immediate(hart, i):
        _load_post(hart, i, size, is_signed, imm_i(i.word))

    def post_register(hart, i):
        _load_post(hart, i, size, is_signed, hart.x[i.rs2])

    def indexed(hart, i):
        hart.write(i.rd, hart.load(hart.x[i.rs1] + hart.x[i.rs2], size, is_signed))

    yield Row(name, GROUP, *row.funct3(0x0B, code3), "rd, (rs1), imm_i", post_immediate)
    yield Row(name, GROUP, *row.funct7(0x2B, 3, code), "rd, (rs1), rs2", post_register)
    yield Row(name, GROUP, *row.funct7(0x2B, 3, 4 + code), "rd, rs2(rs1)", indexed)


def _store_rows(name, size, code):
    """The three forms of a store; the register form's offset is in rd's field."""

    def post_immediate(hart, i):
        _store_post(hart, i, size, imm_s(i.word))

    def post_register(hart, i):
        _store_post(hart, i, size, hart.x[i.rd])

    def indexed(hart, i):
        hart.store(hart.x[i.rs1] + hart.x[i.rd], size, hart.x[i.rs2])

    yield Row(name, GROUP, *row.funct3(0x2B, code), "rs2, (rs1), imm_s", post_immediate)
    yield Row(name, GROUP, *row.funct7(0x2B, 3, 0x10 + code), "rs2, (rs1), rs3", post_register)
    yield Row(name, GROUP, *row.funct7(0x2B, 3, 0x14 + code), "rs2, rs3(rs1)", indexed)


ROWS = (
    *_load_rows("cv.lb", 1, True, 0, 0x00),
    *_load_rows("cv.lh", 2, True, 1, 0x01),
    *_load_rows("cv.lw", 4, False, 2, 0x02),
    *_load_rows("cv.lbu", 1, False, 4, 0x08),
    *_load_rows("cv.lhu", 2, False, 5, 0x09),
    *_store_rows("cv.sb", 1, 0),
    *_store_rows("cv.sh", 2, 1),
    *_store_rows("cv.sw", 4, 2),
)
