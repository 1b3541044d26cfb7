"""Code of linked programs."""

import struct
from itertools import pairwise
from pathlib import Path

from elftools.elf.elffile import ELFFile


def text(elf: Path) -> tuple[int, list[int]]:
    """Return address and words of a program's code."""
    with open(elf, "rb") as file:
        section = ELFFile(file).get_section_by_name(".text")
        data = section.data()
        return section["sh_addr"], list(struct.unpack(f"<{len(data) // 4}I", data))


def functions(elf: Path) -> dict[str, list[int]]:
    """Return the code of each function, up to the next one."""
    base, words = text(elf)
    with open(elf, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        starts = {s["st_value"]: s.name for s in table.iter_symbols() if s.name}
    inside = sorted(address for address in starts if base <= address < base + 4 * len(words))
    ends = pairwise([*inside, base + 4 * len(words)])
    return {starts[a]: words[(a - base) // 4 : (b - base) // 4] for a, b in ends}
