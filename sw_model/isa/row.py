"""What a row of the instruction table says."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sw_model.isa.bits import MASK
from sw_model.isa.fields import FIELDS

if TYPE_CHECKING:
    from sw_model.isa.hart import Hart

Compute = Callable[[int, int, int, int], int]
Execute = Callable[["Hart", "Decoded"], None]


@dataclass(frozen=True, eq=False)
class Row:
    """One instruction: a word is it when `word & mask == match`.

    Parameters
    ----------
    name : str
        Mnemonic.
    group : str
        Extension: `i`, or one of `hw.config.CORE_GROUPS`.
    mask, match : int
        The bits that are fixed, and what they are.
    operands : str
        How its operands are written; words in it are names of `FIELDS`.
    execute : callable
        What it does to a hart: a function of the hart and the decoded instruction. It raises
        `Trap` before it changes anything.
    compute : callable or None
        For an instruction that only computes: rd's new value, as a function of the values of rs1,
        rs2, rd's old value and the word. Registers it does not read may have any value.
    reads_rd : bool
        Whether rd's old value matters.
    """

    name: str
    group: str
    mask: int
    match: int
    operands: str
    execute: Execute
    compute: Compute | None = None
    reads_rd: bool = False

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of its operands."""
        return tuple(re.findall(r"[a-z]\w*", self.operands))


@dataclass(frozen=True)
class Decoded:
    """An instruction word and its row."""

    row: Row
    word: int

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def rd(self) -> int:
        return self.word >> 7 & 31

    @property
    def rs1(self) -> int:
        return self.word >> 15 & 31

    @property
    def rs2(self) -> int:
        return self.word >> 20 & 31

    def operand(self, name: str) -> int:
        """The operand of that name."""
        return FIELDS[name].get(self.word)


def computed(
    name: str,
    group: str,
    mask: int,
    match: int,
    operands: str,
    operation: Compute,
    *,
    reads_rd: bool = False,
) -> Row:
    """A row of an instruction that only computes; the result is cut to 32 bits."""

    def compute(rs1, rs2, rs3, word):
        return operation(rs1, rs2, rs3, word) & MASK

    def execute(hart, i):
        hart.write(i.rd, compute(hart.x[i.rs1], hart.x[i.rs2], hart.x[i.rd], i.word))

    return Row(name, group, mask, match, operands, execute, compute, reads_rd)


def funct3(opcode: int, code: int) -> tuple[int, int]:
    """Mask and match of an instruction with opcode and funct3."""
    return 0x707F, code << 12 | opcode


def funct7(opcode: int, code3: int, code7: int) -> tuple[int, int]:
    """Mask and match of an instruction with opcode, funct3 and funct7."""
    return 0xFE00707F, code7 << 25 | code3 << 12 | opcode


def register(name, group, opcode, code3, code7, operation, *, reads_rd=False) -> Row:
    """rd = operation(rs1, rs2), or of (rs1, rs2, rd) when it reads rd."""

    def compute(rs1, rs2, rs3, word):
        return operation(rs1, rs2, rs3) if reads_rd else operation(rs1, rs2)

    mask, match = funct7(opcode, code3, code7)
    return computed(name, group, mask, match, "rd, rs1, rs2", compute, reads_rd=reads_rd)


def unary(name, group, opcode, code3, code7, operation) -> Row:
    """rd = operation(rs1); the field of rs2 is 0."""
    _, match = funct7(opcode, code3, code7)
    return computed(
        name, group, 0xFFF0707F, match, "rd, rs1", lambda rs1, rs2, rs3, word: operation(rs1)
    )
