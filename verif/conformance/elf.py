"""Writes small executables: segments and symbols, nothing else."""

import struct

_HEADER, _SEGMENT, _SECTION, _SYMBOL = 52, 32, 40, 16
_RISCV = 243


def _string_table(names: list[str]) -> tuple[bytes, dict[str, int]]:
    """The table, and where in it each name is."""
    table, places = bytearray(b"\0"), {}
    for name in names:
        places[name] = len(table)
        table += name.encode() + b"\0"
    return bytes(table), places


def elf_bytes(
    entry: int, segments: tuple[tuple[int, bytes], ...], symbols: dict[str, int]
) -> bytes:
    """Return a 32-bit RISC-V executable.

    Parameters
    ----------
    entry
        Address it starts at.
    segments
        Address and contents of each.
    symbols
        Address of each name.
    """
    names, name_at = _string_table(list(symbols))
    sections, section_at = _string_table([".symtab", ".strtab", ".shstrtab"])
    table = bytes(_SYMBOL) + b"".join(
        # Global, without a type, at an absolute address.
        struct.pack("<IIIBBH", name_at[name], address, 0, 1 << 4, 0, 0xFFF1)
        for name, address in symbols.items()
    )
    body = bytearray(bytes(_HEADER + _SEGMENT * len(segments)))
    segment_table = b""
    for address, contents in segments:
        body += bytes(-len(body) % 16)
        size = len(contents)
        segment_table += struct.pack(
            "<8I", 1, len(body), address, address, size, size, 7, 4
        )  # loadable, readable, writable, executable
        body += contents
    section_table = bytes(_SECTION)
    # Type, link to the string table, first global symbol, bytes an entry.
    kinds = {
        ".symtab": (table, 2, 2, 1, _SYMBOL),
        ".strtab": (names, 3, 0, 0, 0),
        ".shstrtab": (sections, 3, 0, 0, 0),
    }
    for name, (contents, kind, link, info, entry_size) in kinds.items():
        body += bytes(-len(body) % 4)
        section_table += struct.pack(
            *("<10I", section_at[name], kind, 0, 0, len(body), len(contents)),
            *(link, info, 4, entry_size),
        )
        body += contents
    body += bytes(-len(body) % 4)
    header = struct.pack(
        *("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, _RISCV, 1, entry, _HEADER, len(body), 0),
        *(_HEADER, _SEGMENT, len(segments), _SECTION, 4, 3),
    )
    body[:_HEADER] = header
    body[_HEADER : _HEADER + len(segment_table)] = segment_table
    return bytes(body) + section_table
