"""Writes a random program's instructions: words in a row, and choices of registers."""

import random
from collections.abc import Sequence

from verif.lockstep.layout import FREE
from verif.lockstep.words import FORMS

CORNERS = (
    *(0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF, 0x0000FFFF, 0xFFFF8000),
    *(0x80808080, 0x7F7F7F7F, 0x80008000, 0x80007FFF, 0x7FFF7FFF, 0xFF0001FE),
)


class Writer:
    """Instructions of one hart, from `base` on.

    Attributes
    ----------
    words : list of int
    repeat : int
        How often what is written now will run, about.
    executed : int
        Instructions that run, about.
    """

    def __init__(self, rng: random.Random, hart: int, base: int, groups: Sequence[str]):
        self.rng = rng
        self.hart = hart
        self.base = base
        self.groups = frozenset(groups) | {"i"}
        self.words: list[int] = []
        self.repeat = 1
        self.executed = 0
        # A few registers used often make hazards likely.
        self._few = rng.sample(FREE, 4)

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return self.base + 4 * len(self.words)

    @property
    def place(self) -> int:
        """Index of the next instruction, for `patch`."""
        return len(self.words)

    def emit(self, key: str, **operands: int) -> None:
        """Append an instruction of the table."""
        self.raw(FORMS[key].word(**operands))

    def raw(self, word: int) -> None:
        self.words.append(word)
        self.executed += self.repeat

    def patch(self, place: int, key: str, **operands: int) -> None:
        """Replace the word at `place`."""
        self.words[place] = FORMS[key].word(**operands)

    def immediate(self, rd: int, value: int) -> None:
        """Load a number in two instructions."""
        self.raw(0)
        self.raw(0)
        self.patch_immediate(self.place - 2, rd, value)

    def patch_immediate(self, place: int, rd: int, value: int) -> None:
        low = (value & 0xFFF ^ 0x800) - 0x800
        self.patch(place, "lui", rd=rd, imm=(value - low) & 0xFFFFFFFF)
        self.patch(place + 1, "addi", rd=rd, rs1=rd, imm=low)

    def has(self, group: str) -> bool:
        return group in self.groups

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def rd(self) -> int:
        """A register to write."""
        choice = self.rng.random()
        if choice < 0.03:
            return 0
        return self.rng.choice(self._few if choice < 0.7 else FREE)

    def few(self) -> int:
        """One of the few registers used often."""
        return self.rng.choice(self._few)

    def rs(self) -> int:
        """A register to read."""
        return self.rng.choice(self._few) if self.rng.random() < 0.7 else self.rng.randrange(32)

    def value(self) -> int:
        """A number, of any size or a corner."""
        if self.rng.random() < 0.3:
            return self.rng.choice(CORNERS)
        return self.rng.getrandbits(32) >> self.rng.choice((0, 0, 8, 16, 24, 28))
