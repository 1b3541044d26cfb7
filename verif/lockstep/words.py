"""Instruction words from the model's table: by name and operands, or at random."""

import random
from dataclasses import dataclass
from functools import cached_property

from sw_model.isa.fields import FIELDS
from sw_model.isa.row import Row
from sw_model.isa.table import TABLE

_REGISTER_PLACES = {"rd": 7, "rs1": 15, "rs2": 20, "rs3": 7}
_IMMEDIATES = ("imm_i", "imm_s", "imm_b", "imm_u", "imm_j", "shamt", "csr", "count", "far")
"""What `imm` means, whichever an instruction has."""


@dataclass(frozen=True, eq=False)
class Form:
    """One row of the table, ready for encoding.

    Attributes
    ----------
    key : str
        Its name, with the operands behind it where several rows have that name.
    """

    key: str
    row: Row

    @cached_property
    def registers(self) -> tuple[str, ...]:
        return tuple(name for name in self.row.fields if name in _REGISTER_PLACES)

    @cached_property
    def random_bits(self) -> int:
        """Bits that neither the row fixes nor a register takes."""
        taken = self.row.mask
        for name in self.registers:
            taken |= 31 << _REGISTER_PLACES[name]
        return ~taken & 0xFFFFFFFF

    @cached_property
    def immediate(self) -> str | None:
        names = [name for name in _IMMEDIATES if name in self.row.fields]
        return names[0] if names else None

    def word(self, imm: int | None = None, **operands: int) -> int:
        """The word with these operands; those not given are 0."""
        word = self.row.match
        if imm is not None:
            word |= FIELDS[self.immediate].put(imm)
        for name, value in operands.items():
            place = _REGISTER_PLACES.get(name)
            word |= FIELDS[name].put(value) if place is None else value << place
        return word

    def random_word(self, rng: random.Random, **registers: int) -> int:
        """A word with these registers and all else at random; registers not given are 0."""
        word = self.row.match | rng.getrandbits(32) & self.random_bits
        for name, value in registers.items():
            word |= value << _REGISTER_PLACES[name]
        return word


def _forms() -> dict[str, Form]:
    names = [row.name for row in TABLE]
    keys = [
        row.name if names.count(row.name) == 1 else f"{row.name} {row.operands}" for row in TABLE
    ]
    return {key: Form(key, row) for key, row in zip(keys, TABLE, strict=True)}


FORMS = _forms()

COMPUTING: dict[str, list[Form]] = {}
"""Instructions that only compute, by group."""
for _form in FORMS.values():
    if _form.row.compute:
        COMPUTING.setdefault(_form.row.group, []).append(_form)


def find(word: int) -> Form | None:
    """The form that a word has; None for an illegal one."""
    for form in _BY_OPCODE.get(word & 0x7F, ()):
        if word & form.row.mask == form.row.match:
            return form
    return None


_BY_OPCODE: dict[int, list[Form]] = {}
for _form in FORMS.values():
    _BY_OPCODE.setdefault(_form.row.match & 0x7F, []).append(_form)
