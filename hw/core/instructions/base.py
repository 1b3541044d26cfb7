"""RV32I, Zicsr, Zifencei and the machine-mode instructions."""

from hw.core.instructions.format import NONE, Format, I, Instruction, R
from hw.core.types import AluOp, ImmediateFormat, OperandA, OperandB, SystemOp, Unit

S = Format(immediate=ImmediateFormat.S, reads_rs1=True, reads_rs2=True)
B = Format(
    immediate=ImmediateFormat.B, b=OperandB.RS2, base_pc=True, reads_rs1=True, reads_rs2=True
)
U = Format(immediate=ImmediateFormat.U, a=OperandA.ZERO, writes_rd=True)
U_PC = U._replace(a=OperandA.PC)
LINK = Format(a=OperandA.PC, b=OperandB.FOUR, writes_rd=True)
J = LINK._replace(immediate=ImmediateFormat.J, base_pc=True)
J_REGISTER = LINK._replace(reads_rs1=True)
CSR_I = Format(immediate=ImmediateFormat.Z, writes_rd=True)


def _register(name, funct7, funct3, unit, op, unsigned=False):
    pattern = f"{funct7:07b} ----- ----- {funct3:03b} ----- 0110011"
    return Instruction(name, pattern, R, unit, op, unsigned)


def _immediate(name, funct3, op, funct7=None, unsigned=False):
    top = "------- -----" if funct7 is None else f"{funct7:07b} -----"
    return Instruction(name, f"{top} ----- {funct3:03b} ----- 0010011", I, Unit.ALU, op, unsigned)


def _funct3(name, funct3, opcode, format, unit, unsigned=False):
    pattern = f"------- ----- ----- {funct3:03b} ----- {opcode}"
    return Instruction(name, pattern, format, unit, funct3, unsigned)


def _system(name, funct12, op):
    return Instruction(name, f"{funct12:012b} 00000 000 00000 1110011", NONE, Unit.SYSTEM, op)


INSTRUCTIONS = (
    Instruction("lui", "-------------------- ----- 0110111", U, Unit.ALU, AluOp.ADD),
    Instruction("auipc", "-------------------- ----- 0010111", U_PC, Unit.ALU, AluOp.ADD),
    Instruction("jal", "-------------------- ----- 1101111", J, Unit.JUMP, AluOp.ADD),
    _funct3("jalr", 0, "1100111", J_REGISTER, Unit.JUMP),
    _funct3("beq", 0, "1100011", B, Unit.BRANCH),
    _funct3("bne", 1, "1100011", B, Unit.BRANCH),
    _funct3("blt", 4, "1100011", B, Unit.BRANCH),
    _funct3("bge", 5, "1100011", B, Unit.BRANCH),
    _funct3("bltu", 6, "1100011", B, Unit.BRANCH, unsigned=True),
    _funct3("bgeu", 7, "1100011", B, Unit.BRANCH, unsigned=True),
    _funct3("lb", 0, "0000011", I, Unit.LOAD),
    _funct3("lh", 1, "0000011", I, Unit.LOAD),
    _funct3("lw", 2, "0000011", I, Unit.LOAD),
    _funct3("lbu", 4, "0000011", I, Unit.LOAD),
    _funct3("lhu", 5, "0000011", I, Unit.LOAD),
    _funct3("sb", 0, "0100011", S, Unit.STORE),
    _funct3("sh", 1, "0100011", S, Unit.STORE),
    _funct3("sw", 2, "0100011", S, Unit.STORE),
    _immediate("addi", 0, AluOp.ADD),
    _immediate("slti", 2, AluOp.SLT),
    _immediate("sltiu", 3, AluOp.SLTU, unsigned=True),
    _immediate("xori", 4, AluOp.XOR),
    _immediate("ori", 6, AluOp.OR),
    _immediate("andi", 7, AluOp.AND),
    _immediate("slli", 1, AluOp.SLL, funct7=0x00),
    _immediate("srli", 5, AluOp.SRL, funct7=0x00),
    _immediate("srai", 5, AluOp.SRA, funct7=0x20),
    _register("add", 0x00, 0, Unit.ALU, AluOp.ADD),
    _register("sub", 0x20, 0, Unit.ALU, AluOp.SUB),
    _register("sll", 0x00, 1, Unit.ALU, AluOp.SLL),
    _register("slt", 0x00, 2, Unit.ALU, AluOp.SLT),
    _register("sltu", 0x00, 3, Unit.ALU, AluOp.SLTU, unsigned=True),
    _register("xor", 0x00, 4, Unit.ALU, AluOp.XOR),
    _register("srl", 0x00, 5, Unit.ALU, AluOp.SRL),
    _register("sra", 0x20, 5, Unit.ALU, AluOp.SRA),
    _register("or", 0x00, 6, Unit.ALU, AluOp.OR),
    _register("and", 0x00, 7, Unit.ALU, AluOp.AND),
    Instruction("fence", "------------ ----- 000 ----- 0001111", NONE, Unit.SYSTEM, SystemOp.FENCE),
    Instruction(
        "fence.i", "------------ ----- 001 ----- 0001111", NONE, Unit.SYSTEM, SystemOp.FENCE_I
    ),
    _system("ecall", 0x000, SystemOp.ECALL),
    _system("ebreak", 0x001, SystemOp.EBREAK),
    _system("mret", 0x302, SystemOp.MRET),
    _system("wfi", 0x105, SystemOp.WFI),
    _funct3("csrrw", 1, "1110011", I, Unit.CSR),
    _funct3("csrrs", 2, "1110011", I, Unit.CSR),
    _funct3("csrrc", 3, "1110011", I, Unit.CSR),
    _funct3("csrrwi", 5, "1110011", CSR_I, Unit.CSR),
    _funct3("csrrsi", 6, "1110011", CSR_I, Unit.CSR),
    _funct3("csrrci", 7, "1110011", CSR_I, Unit.CSR),
)
