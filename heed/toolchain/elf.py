"""What a linked program says about itself."""

from pathlib import Path

from elftools.elf.elffile import ELFFile


def symbols(path: Path | str) -> dict[str, int]:
    """Return the value of every named symbol of an ELF."""
    with open(path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {s.name: s["st_value"] for s in table.iter_symbols() if s.name} if table else {}
