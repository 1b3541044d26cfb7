"""From instruction words to rows of the table, and back."""

from collections import defaultdict
from functools import lru_cache

from sw_model.isa.bits import MASK
from sw_model.isa.fields import FIELDS
from sw_model.isa.row import Decoded, Row
from sw_model.isa.table import TABLE

_BY_OPCODE: dict[int, list[Row]] = defaultdict(list)
for _row in TABLE:
    _BY_OPCODE[_row.match & 0x7F].append(_row)


@lru_cache(maxsize=1 << 16)
def decode(word: int) -> Decoded | None:
    """Find the instruction that a word encodes; None for an illegal one."""
    for row in _BY_OPCODE.get(word & 0x7F, ()):
        if word & row.mask == row.match:
            return Decoded(row, word)
    return None


def encode(row: Row, **operands: int) -> int:
    """The word of an instruction; operands it has that are not given are 0.

    Raises
    ------
    ValueError
        If the instruction has no such operand, or the operand cannot have that value.
    """
    word = row.match
    for name, value in operands.items():
        if name not in row.fields:
            raise ValueError(f"{row.name} has no operand {name}; it has {', '.join(row.fields)}")
        field = FIELDS[name]
        bits = field.put(value)
        if (field.get(bits) - value) & MASK:
            raise ValueError(f"{name} of {row.name} is {value}, which does not fit")
        word |= bits
    return word


def compute(word: int, rs1: int, rs2: int, rs3: int) -> int:
    """rd's new value, for an instruction that only computes.

    Parameters
    ----------
    word
        The instruction.
    rs1, rs2, rs3
        Values of the registers its fields name; rs3 is rd's old value.

    Raises
    ------
    ValueError
        If it is another instruction, or none.
    """
    decoded = decode(word)
    if decoded is None or decoded.row.compute is None:
        what = decoded.name if decoded else "no instruction"
        raise ValueError(f"{word:#010x} is {what}; only what computes rd from registers can be")
    return decoded.row.compute(rs1, rs2, rs3, word)
