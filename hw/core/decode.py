"""Instruction decoder: a table of encodings, one row an instruction."""

from dataclasses import dataclass
from typing import NamedTuple

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.types import AluOp, Control, ImmediateFormat, OperandA, OperandB, SystemOp, Unit


class Format(NamedTuple):
    """Operands of an instruction format."""

    immediate: ImmediateFormat = ImmediateFormat.I
    a: OperandA = OperandA.RS1
    b: OperandB = OperandB.IMMEDIATE
    base_pc: bool = False
    reads_rs1: bool = False
    reads_rs2: bool = False
    writes_rd: bool = False


R = Format(b=OperandB.RS2, reads_rs1=True, reads_rs2=True, writes_rd=True)
I = Format(reads_rs1=True, writes_rd=True)  # noqa: E741 (the manual's name)
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
NONE = Format()


@dataclass(frozen=True)
class Instruction:
    """One row of the decoder's table.

    Parameters
    ----------
    name : str
        Mnemonic.
    pattern : str
        The 32 bits, most significant first, `-` for any.
    format : Format
        Its operands.
    unit : Unit
        Who executes it.
    op : int
        Operation within that unit, 0 to 15.
    unsigned : bool
        Comparisons are unsigned.
    """

    name: str
    pattern: str
    format: Format
    unit: Unit
    op: int = 0
    unsigned: bool = False

    @property
    def opcode(self):
        """The pattern's lowest seven bits."""
        return self.pattern[-7:]

    @property
    def control(self):
        """The control word that the decoder gives."""
        fields = self.format._asdict()
        fields.update(legal=1, unit=self.unit, op=int(self.op), unsigned=self.unsigned)
        return Control.const(fields)


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
    _register("mul", 0x01, 0, Unit.MULTIPLY, 0),
    _register("mulh", 0x01, 1, Unit.MULTIPLY, 1),
    _register("mulhsu", 0x01, 2, Unit.MULTIPLY, 2),
    _register("mulhu", 0x01, 3, Unit.MULTIPLY, 3),
    _register("div", 0x01, 4, Unit.DIVIDE, 4),
    _register("divu", 0x01, 5, Unit.DIVIDE, 5),
    _register("rem", 0x01, 6, Unit.DIVIDE, 6),
    _register("remu", 0x01, 7, Unit.DIVIDE, 7),
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
"""RV32IM, Zicsr, Zifencei and the machine-mode instructions."""


def _immediate_value(insn, format):
    sign = insn[31]
    match format:
        case ImmediateFormat.I:
            return Cat(insn[20:32], sign.replicate(20))
        case ImmediateFormat.S:
            return Cat(insn[7:12], insn[25:32], sign.replicate(20))
        case ImmediateFormat.B:
            return Cat(C(0, 1), insn[8:12], insn[25:31], insn[7], sign.replicate(20))
        case ImmediateFormat.U:
            return Cat(C(0, 12), insn[12:32])
        case ImmediateFormat.J:
            return Cat(C(0, 1), insn[21:31], insn[20], insn[12:20], sign.replicate(12))
        case ImmediateFormat.Z:
            return Cat(insn[15:20], C(0, 27))


class Decoder(wiring.Component):
    """Gives the control word and the immediate of an instruction.

    Built from a table, so that an extension is a few more rows. What no row matches has
    `control.legal` low and every other field 0. Manual: RISC-V unprivileged ISA, "Instruction
    Set Listings".

    Parameters
    ----------
    instructions : sequence of Instruction
        The table; rows must not overlap.

    Members
    -------
    insn : In(32)
    control : Out(Control)
    immediate : Out(32), sign extended

    Timing
    ------
    Combinational.

    Raises
    ------
    ValueError
        When a pattern does not name 32 bits, or two rows match the same word.
    """

    def __init__(self, instructions=INSTRUCTIONS):
        self._instructions = tuple(instructions)
        _check_table(self._instructions)
        super().__init__({"insn": In(32), "control": Out(Control), "immediate": Out(32)})

    def elaborate(self, platform):
        m = Module()
        groups = {}
        for row in self._instructions:
            groups.setdefault(row.opcode, []).append(row)
        # Two levels, so that a simulator compares a handful of patterns and not all of them.
        with m.Switch(self.insn[:7]):
            for opcode, rows in groups.items():
                with m.Case(opcode), m.Switch(self.insn):
                    for row in rows:
                        with m.Case(row.pattern):
                            m.d.comb += self.control.eq(row.control)
        with m.Switch(self.control.immediate.as_value()):
            for format in ImmediateFormat:
                with m.Case(format.value):
                    m.d.comb += self.immediate.eq(_immediate_value(self.insn, format))
        return m


def _check_table(instructions):
    seen = []
    for row in instructions:
        bits = row.pattern.replace(" ", "")
        if len(bits) != 32 or set(bits) - set("01-") or "-" in row.opcode:
            raise ValueError(
                f"pattern of {row.name!r} is {row.pattern!r}, but must be 32 of 0, 1 and -, "
                "with a fixed opcode"
            )
        mask = int("".join("0" if bit == "-" else "1" for bit in bits), 2)
        match = int(bits.replace("-", "0"), 2)
        for name, other_mask, other_match in seen:
            if not (match ^ other_match) & mask & other_mask:
                raise ValueError(f"{row.name!r} and {name!r} match the same word")
        seen.append((row.name, mask, match))
