"""Counts what costs cycles in the instructions that a program executes."""

from dataclasses import dataclass
from pathlib import Path

from heed.simulator.iss import IssSimulator
from heed.simulator.trace import Retired

LOAD, STORE, BRANCH, OP, SYSTEM = 0x03, 0x23, 0x63, 0x33, 0x73
NO_RS1 = (0x37, 0x17, 0x6F)  # lui, auipc, jal
JUMPS = (0x6F, 0x67)  # jal, jalr: also when they go to the next instruction
M = 1  # funct7 of multiplications and divisions
COUNTER_INHIBIT = 0x320
"""CSR whose writes begin and end the part that is measured."""


@dataclass
class Hazards:
    """How often the measured part asks for a penalty.

    Parameters
    ----------
    load_use, product_use
        The next instruction reads or writes the register of a load, of a product.
    taken
        Taken branches and jumps.
    divisions
        Divisions and remainders.
    """

    load_use: int = 0
    product_use: int = 0
    taken: int = 0
    divisions: int = 0


def _field(word: int, low: int, bits: int) -> int:
    return word >> low & ((1 << bits) - 1)


def _touched(word: int) -> set[int]:
    """Return the registers that an instruction of RV32IM reads or writes."""
    opcode = _field(word, 0, 7)
    registers = set()
    if opcode not in (STORE, BRANCH):
        registers.add(_field(word, 7, 5))
    if opcode not in NO_RS1:
        registers.add(_field(word, 15, 5))
    if opcode in (STORE, BRANCH, OP):
        registers.add(_field(word, 20, 5))
    return registers - {0}


def _is_m(word: int) -> bool:
    return _field(word, 0, 7) == OP and _field(word, 25, 7) == M


class _Enough(Exception):
    """The first measured part is over."""


class Counter:
    """Counts hazards from the second write of the counters' switch to the third.

    The first one stops the counters before they are set. It is a trace callback.
    """

    def __init__(self) -> None:
        self.hazards = Hazards()
        self._switched = 0
        self._before = 0

    def __call__(self, hart: int, retired: Retired) -> None:
        word = retired.insn
        if self._switched == 2:
            jumps = _field(word, 0, 7) in JUMPS or retired.next_pc != retired.pc + 4
            self._count(word, jumps)
        self._switched += _field(word, 0, 7) == SYSTEM and word >> 20 == COUNTER_INHIBIT
        if self._switched == 3:
            raise _Enough
        self._before = word

    def _count(self, word: int, taken: bool) -> None:
        before = self._before
        used = _field(before, 7, 5) in _touched(word)
        self.hazards.load_use += used and _field(before, 0, 7) == LOAD
        self.hazards.product_use += used and _is_m(before) and not _field(before, 14, 1)
        self.hazards.taken += taken
        self.hazards.divisions += _is_m(word) and _field(word, 14, 1)


def count_hazards(iss: IssSimulator, elf: Path) -> Hazards:
    """Run a program of `firmware/bench/measure.c` and return what its first pass executes."""
    counter = Counter()
    try:
        iss.run(elf, trace=counter)
    except _Enough:
        pass
    return counter.hazards
