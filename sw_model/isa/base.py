"""RV32I, Zicsr, Zifencei and the machine-mode instructions."""

from collections.abc import Callable

from sw_model.isa import row
from sw_model.isa.bits import MASK, signed
from sw_model.isa.fields import FIELDS, imm_b, imm_i, imm_j, imm_s, imm_u
from sw_model.isa.row import Row
from sw_model.isa.trap import Cause, Trap


def _register(name, code3, code7, operation):
    return row.register(name, "i", 0x33, code3, code7, operation)


def _immediate(name, code3, operation):
    mask, match = row.funct3(0x13, code3)

    def compute(rs1, rs2, rs3, word):
        return operation(rs1, imm_i(word) & MASK)

    return row.computed(name, "i", mask, match, "rd, rs1, imm_i", compute)


def _shift(name, code3, code7, operation):
    mask, match = row.funct7(0x13, code3, code7)

    def compute(rs1, rs2, rs3, word):
        return operation(rs1, FIELDS["shamt"].get(word))

    return row.computed(name, "i", mask, match, "rd, rs1, shamt", compute)


def _branch(name, code3, condition):
    mask, match = row.funct3(0x63, code3)

    def execute(hart, i):
        if condition(hart.x[i.rs1], hart.x[i.rs2]):
            hart.jump(hart.pc + imm_b(i.word))

    return Row(name, "i", mask, match, "rs1, rs2, imm_b", execute)


def _load(name, code3, size, is_signed):
    mask, match = row.funct3(0x03, code3)

    def execute(hart, i):
        hart.write(i.rd, hart.load(hart.x[i.rs1] + imm_i(i.word), size, is_signed))

    return Row(name, "i", mask, match, "rd, imm_i(rs1)", execute)


def _store(name, code3, size):
    mask, match = row.funct3(0x23, code3)

    def execute(hart, i):
        hart.store(hart.x[i.rs1] + imm_s(i.word), size, hart.x[i.rs2])

    return Row(name, "i", mask, match, "rs2, imm_s(rs1)", execute)


def _auipc(hart, i):
    hart.write(i.rd, (hart.pc + imm_u(i.word)) & MASK)


def _jal(hart, i):
    hart.jump(hart.pc + imm_j(i.word))
    hart.write(i.rd, (hart.pc + 4) & MASK)


def _jalr(hart, i):
    hart.jump((hart.x[i.rs1] + imm_i(i.word)) & ~1)
    hart.write(i.rd, (hart.pc + 4) & MASK)


def _fence(hart, i):
    """Accesses are performed at once here, so there is nothing to wait for."""


def _fence_i(hart, i):
    hart.jump(hart.pc + 4)


def _ecall(hart, i):
    raise Trap(Cause.ECALL)


def _ebreak(hart, i):
    raise Trap(Cause.BREAKPOINT, hart.pc)


def _mret(hart, i):
    hart.jump(hart.csrs.leave())


def _wfi(hart, i):
    hart.sleeping = True


def _csr(name, code3, operation: Callable[[int, int], int], *, always: bool):
    """rd = csr; csr = operation(csr, operand); `always` writes even when rs1's field is 0."""
    mask, match = row.funct3(0x73, code3)
    is_immediate = code3 >= 4

    def execute(hart, i):
        address = FIELDS["csr"].get(i.word)
        writes = always or i.rs1 != 0
        old = hart.csrs.access(address, writes)
        operand = i.rs1 if is_immediate else hart.x[i.rs1]
        if writes:
            hart.csrs.write(address, operation(old, operand) & MASK)
        hart.write(i.rd, old)

    return Row(name, "i", mask, match, f"rd, csr, {'zimm' if is_immediate else 'rs1'}", execute)


ROWS = (
    row.computed("lui", "i", 0x7F, 0x37, "rd, imm_u", lambda rs1, rs2, rs3, word: imm_u(word)),
    Row("auipc", "i", 0x7F, 0x17, "rd, imm_u", _auipc),
    Row("jal", "i", 0x7F, 0x6F, "rd, imm_j", _jal),
    Row("jalr", "i", *row.funct3(0x67, 0), "rd, imm_i(rs1)", _jalr),
    _branch("beq", 0, lambda a, b: a == b),
    _branch("bne", 1, lambda a, b: a != b),
    _branch("blt", 4, lambda a, b: signed(a) < signed(b)),
    _branch("bge", 5, lambda a, b: signed(a) >= signed(b)),
    _branch("bltu", 6, lambda a, b: a < b),
    _branch("bgeu", 7, lambda a, b: a >= b),
    _load("lb", 0, 1, True),
    _load("lh", 1, 2, True),
    _load("lw", 2, 4, False),
    _load("lbu", 4, 1, False),
    _load("lhu", 5, 2, False),
    _store("sb", 0, 1),
    _store("sh", 1, 2),
    _store("sw", 2, 4),
    _immediate("addi", 0, lambda a, b: a + b),
    _immediate("slti", 2, lambda a, b: signed(a) < signed(b)),
    _immediate("sltiu", 3, lambda a, b: a < b),
    _immediate("xori", 4, lambda a, b: a ^ b),
    _immediate("ori", 6, lambda a, b: a | b),
    _immediate("andi", 7, lambda a, b: a & b),
    _shift("slli", 1, 0x00, lambda a, b: a << b),
    _shift("srli", 5, 0x00, lambda a, b: a >> b),
    _shift("srai", 5, 0x20, lambda a, b: signed(a) >> b),
    _register("add", 0, 0x00, lambda a, b: a + b),
    _register("sub", 0, 0x20, lambda a, b: a - b),
    _register("sll", 1, 0x00, lambda a, b: a << (b & 31)),
    _register("slt", 2, 0x00, lambda a, b: signed(a) < signed(b)),
    _register("sltu", 3, 0x00, lambda a, b: a < b),
    _register("xor", 4, 0x00, lambda a, b: a ^ b),
    _register("srl", 5, 0x00, lambda a, b: a >> (b & 31)),
    _register("sra", 5, 0x20, lambda a, b: signed(a) >> (b & 31)),
    _register("or", 6, 0x00, lambda a, b: a | b),
    _register("and", 7, 0x00, lambda a, b: a & b),
    Row("fence", "i", *row.funct3(0x0F, 0), "pred, succ", _fence),
    Row("fence.i", "i", *row.funct3(0x0F, 1), "", _fence_i),
    Row("ecall", "i", MASK, 0x00000073, "", _ecall),
    Row("ebreak", "i", MASK, 0x00100073, "", _ebreak),
    Row("mret", "i", MASK, 0x30200073, "", _mret),
    Row("wfi", "i", MASK, 0x10500073, "", _wfi),
    _csr("csrrw", 1, lambda c, v: v, always=True),
    _csr("csrrs", 2, lambda c, v: c | v, always=False),
    _csr("csrrc", 3, lambda c, v: c & ~v, always=False),
    _csr("csrrwi", 5, lambda c, v: v, always=True),
    _csr("csrrsi", 6, lambda c, v: c | v, always=False),
    _csr("csrrci", 7, lambda c, v: c & ~v, always=False),
)
