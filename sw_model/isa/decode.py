"""Decoder: a table from encodings to what they do."""

from collections.abc import Callable
from typing import NamedTuple

from sw_model.isa import execute as ex
from sw_model.isa.execute import Execute, signed


class Decoded(NamedTuple):
    """An instruction's name, operands and meaning."""

    name: str
    rd: int
    rs1: int
    rs2: int
    imm: int
    execute: Execute


class Row(NamedTuple):
    """One instruction: a word matches when `word & mask == match`."""

    name: str
    mask: int
    match: int
    immediate: Callable[[int], int]
    execute: Execute


def _sign(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def imm_i(word: int) -> int:
    return _sign(word >> 20, 12)


def imm_s(word: int) -> int:
    return _sign(word >> 25 << 5 | word >> 7 & 31, 12)


def imm_b(word: int) -> int:
    high = word >> 31 << 12 | (word >> 7 & 1) << 11
    return _sign(high | (word >> 25 & 63) << 5 | (word >> 8 & 15) << 1, 13)


def imm_u(word: int) -> int:
    return _sign(word & 0xFFFFF000, 32)


def imm_j(word: int) -> int:
    high = word >> 31 << 20 | (word >> 12 & 255) << 12 | (word >> 20 & 1) << 11
    return _sign(high | (word >> 21 & 1023) << 1, 21)


def imm_shift(word: int) -> int:
    return word >> 20 & 31


def _funct3(name, opcode, funct3, immediate, execute):
    return Row(name, 0x707F, funct3 << 12 | opcode, immediate, execute)


def _funct7(name, opcode, funct3, funct7, immediate, execute):
    return Row(name, 0xFE00707F, funct7 << 25 | funct3 << 12 | opcode, immediate, execute)


def _register(name, funct7, funct3, operation):
    return _funct7(name, 0x33, funct3, funct7, imm_i, ex.register(operation))


def _exact(name, word, execute):
    return Row(name, 0xFFFFFFFF, word, imm_i, execute)


TABLE = (
    Row("lui", 0x7F, 0x37, imm_u, ex.lui),
    Row("auipc", 0x7F, 0x17, imm_u, ex.auipc),
    Row("jal", 0x7F, 0x6F, imm_j, ex.jal),
    _funct3("jalr", 0x67, 0, imm_i, ex.jalr),
    _funct3("beq", 0x63, 0, imm_b, ex.branch(lambda a, b: a == b)),
    _funct3("bne", 0x63, 1, imm_b, ex.branch(lambda a, b: a != b)),
    _funct3("blt", 0x63, 4, imm_b, ex.branch(lambda a, b: signed(a) < signed(b))),
    _funct3("bge", 0x63, 5, imm_b, ex.branch(lambda a, b: signed(a) >= signed(b))),
    _funct3("bltu", 0x63, 6, imm_b, ex.branch(lambda a, b: a < b)),
    _funct3("bgeu", 0x63, 7, imm_b, ex.branch(lambda a, b: a >= b)),
    _funct3("lb", 0x03, 0, imm_i, ex.load(1, True)),
    _funct3("lh", 0x03, 1, imm_i, ex.load(2, True)),
    _funct3("lw", 0x03, 2, imm_i, ex.load(4, False)),
    _funct3("lbu", 0x03, 4, imm_i, ex.load(1, False)),
    _funct3("lhu", 0x03, 5, imm_i, ex.load(2, False)),
    _funct3("sb", 0x23, 0, imm_s, ex.store(1)),
    _funct3("sh", 0x23, 1, imm_s, ex.store(2)),
    _funct3("sw", 0x23, 2, imm_s, ex.store(4)),
    _funct3("addi", 0x13, 0, imm_i, ex.immediate(lambda a, b: a + b)),
    _funct3("slti", 0x13, 2, imm_i, ex.immediate(lambda a, b: signed(a) < signed(b))),
    _funct3("sltiu", 0x13, 3, imm_i, ex.immediate(lambda a, b: a < b)),
    _funct3("xori", 0x13, 4, imm_i, ex.immediate(lambda a, b: a ^ b)),
    _funct3("ori", 0x13, 6, imm_i, ex.immediate(lambda a, b: a | b)),
    _funct3("andi", 0x13, 7, imm_i, ex.immediate(lambda a, b: a & b)),
    _funct7("slli", 0x13, 1, 0x00, imm_shift, ex.immediate(lambda a, b: a << b)),
    _funct7("srli", 0x13, 5, 0x00, imm_shift, ex.immediate(lambda a, b: a >> b)),
    _funct7("srai", 0x13, 5, 0x20, imm_shift, ex.immediate(lambda a, b: signed(a) >> b)),
    _register("add", 0x00, 0, lambda a, b: a + b),
    _register("sub", 0x20, 0, lambda a, b: a - b),
    _register("sll", 0x00, 1, lambda a, b: a << (b & 31)),
    _register("slt", 0x00, 2, lambda a, b: signed(a) < signed(b)),
    _register("sltu", 0x00, 3, lambda a, b: a < b),
    _register("xor", 0x00, 4, lambda a, b: a ^ b),
    _register("srl", 0x00, 5, lambda a, b: a >> (b & 31)),
    _register("sra", 0x20, 5, lambda a, b: signed(a) >> (b & 31)),
    _register("or", 0x00, 6, lambda a, b: a | b),
    _register("and", 0x00, 7, lambda a, b: a & b),
    _register("mul", 0x01, 0, lambda a, b: a * b),
    _register("mulh", 0x01, 1, lambda a, b: signed(a) * signed(b) >> 32),
    _register("mulhsu", 0x01, 2, lambda a, b: signed(a) * b >> 32),
    _register("mulhu", 0x01, 3, lambda a, b: a * b >> 32),
    _register("div", 0x01, 4, ex.div),
    _register("divu", 0x01, 5, ex.divu),
    _register("rem", 0x01, 6, ex.rem),
    _register("remu", 0x01, 7, ex.remu),
    _funct3("fence", 0x0F, 0, imm_i, ex.fence),
    _funct3("fence.i", 0x0F, 1, imm_i, ex.fence),
    _exact("ecall", 0x00000073, ex.ecall),
    _exact("ebreak", 0x00100073, ex.ebreak),
    _exact("mret", 0x30200073, ex.mret),
    _exact("wfi", 0x10500073, ex.wfi),
    _funct3("csrrw", 0x73, 1, imm_i, ex.csr(lambda c, v: v, immediate=False, always=True)),
    _funct3("csrrs", 0x73, 2, imm_i, ex.csr(lambda c, v: c | v, immediate=False, always=False)),
    _funct3("csrrc", 0x73, 3, imm_i, ex.csr(lambda c, v: c & ~v, immediate=False, always=False)),
    _funct3("csrrwi", 0x73, 5, imm_i, ex.csr(lambda c, v: v, immediate=True, always=True)),
    _funct3("csrrsi", 0x73, 6, imm_i, ex.csr(lambda c, v: c | v, immediate=True, always=False)),
    _funct3("csrrci", 0x73, 7, imm_i, ex.csr(lambda c, v: c & ~v, immediate=True, always=False)),
)
"""RV32IM, Zicsr, Zifencei and the machine-mode instructions."""


def decode(word: int) -> Decoded | None:
    """Find the instruction that a word encodes; None for an illegal one."""
    for row in TABLE:
        if word & row.mask == row.match:
            rd, rs1, rs2 = word >> 7 & 31, word >> 15 & 31, word >> 20 & 31
            return Decoded(row.name, rd, rs1, rs2, row.immediate(word), row.execute)
    return None
