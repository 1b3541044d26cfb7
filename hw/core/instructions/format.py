"""What a row of the decoder's table says."""

from dataclasses import dataclass
from typing import NamedTuple

from hw.core.types import Control, ImmediateFormat, Offset, OperandA, OperandB, Unit


class Format(NamedTuple):
    """Operands of an instruction format."""

    immediate: ImmediateFormat = ImmediateFormat.I
    a: OperandA = OperandA.RS1
    b: OperandB = OperandB.IMMEDIATE
    base_pc: bool = False
    offset: Offset = Offset.IMMEDIATE
    post: bool = False
    reads_rs1: bool = False
    reads_rs2: bool = False
    reads_rs3: bool = False
    writes_rd: bool = False


R = Format(b=OperandB.RS2, reads_rs1=True, reads_rs2=True, writes_rd=True)
R_ACCUMULATE = R._replace(reads_rs3=True)
R_ONE = Format(b=OperandB.RS2, reads_rs1=True, writes_rd=True)
I = Format(reads_rs1=True, writes_rd=True)  # noqa: E741 (the manual's name)
NONE = Format()


@dataclass(frozen=True)
class Instruction:
    """One row of the decoder's table.

    Parameters
    ----------
    name : str
        Mnemonic.
    pattern : str
        The 32 bits, most significant first, `-` for any; spaces do not count.
    format : Format
        Its operands.
    unit : Unit
        Who executes it.
    op : int
        Operation within that unit, 0 to 255.
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
    def mask(self):
        """Bits that the pattern fixes."""
        bits = self.pattern.replace(" ", "")
        return int("".join("0" if bit == "-" else "1" for bit in bits), 2)

    @property
    def match(self):
        """What those bits are."""
        return int(self.pattern.replace(" ", "").replace("-", "0"), 2)

    @property
    def control(self):
        """The control word that the decoder gives."""
        fields = self.format._asdict()
        fields.update(legal=1, unit=self.unit, op=int(self.op), unsigned=self.unsigned)
        return Control.const(fields)
