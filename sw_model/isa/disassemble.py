"""Instruction words as text."""

import re

from sw_model.isa import csr
from sw_model.isa.bits import MASK
from sw_model.isa.decode import decode
from sw_model.isa.fields import FIELDS

REGISTERS = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"),
    *(f"a{n}" for n in range(8)),
    *(f"s{n}" for n in range(2, 12)),
    *(f"t{n}" for n in range(3, 7)),
)
"""The ABI's names of the registers."""

_NAMED_CSRS = (
    *("MSTATUS", "MISA", "MIE", "MTVEC", "MSTATUSH", "MCOUNTINHIBIT", "MSCRATCH", "MEPC"),
    *("MCAUSE", "MTVAL", "MIP", "MCYCLE", "MINSTRET", "MCYCLEH", "MINSTRETH", "CYCLE", "INSTRET"),
    *("CYCLEH", "INSTRETH", "MVENDORID", "MARCHID", "MIMPID", "MHARTID", "MCONFIGPTR"),
)

CSRS = (
    {getattr(csr, name): name.lower() for name in _NAMED_CSRS}
    | {csr.MHPMEVENT3 + n: f"mhpmevent{3 + n}" for n in range(29)}
    | {csr.MHPMCOUNTER3 + n: f"mhpmcounter{3 + n}" for n in range(29)}
    | {csr.MHPMCOUNTER3H + n: f"mhpmcounter{3 + n}h" for n in range(29)}
)
"""Names of control and status registers, where assemblers know them."""


def disassemble(word: int, pc: int = 0) -> str:
    """Return an instruction in assembler syntax.

    Parameters
    ----------
    word
        The instruction.
    pc
        Its address; targets are written as absolute addresses.

    Returns
    -------
    str
        `.word 0x...` when it is none of Heed's instructions.
    """
    decoded = decode(word)
    if decoded is None:
        return f".word {word:#010x}"
    row = decoded.row
    name = row.name + (("", ".rl", ".aq", ".aqrl")[word >> 25 & 3] if row.group == "a" else "")
    operands = re.sub(r"[a-z]\w*", lambda match: _text(match[0], word, pc), row.operands)
    return f"{name} {operands}".rstrip()


def _text(name: str, word: int, pc: int) -> str:
    """Write one operand."""
    field = FIELDS[name]
    value = field.get(word)
    match field.kind:
        case "register":
            return REGISTERS[value]
        case "hex":
            return f"{word >> 12:#x}"
        case "target":
            return f"{pc + value & MASK:#x}"
        case "csr":
            return CSRS.get(value, f"{value:#x}")
        case "order":
            return (
                "".join(c for c, bit in zip("iorw", (8, 4, 2, 1), strict=True) if value & bit)
                or "0"
            )
        case "sign":
            return "su"[value]
    return str(value)
