"""A linked program, taken apart: code, functions, data, sizes."""

import struct
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Symbol, SymbolTableSection

from heed.errors import HeedError
from heed.simulator.elf import Program, read_elf
from hw.config import TCDM_BASE, ClusterConfig
from sw_model.isa import decode

_WORD = 4


@dataclass(frozen=True)
class Sizes:
    """Bytes of an image by what they are; `tcdm` is all that lies in the scratchpad.

    Parameters
    ----------
    text, rodata, data, bss
        In main memory: code, constants, data that are loaded, data that are cleared.
    tcdm
        In the scratchpad, of whatever kind, stacks not included.
    """

    text: int = 0
    rodata: int = 0
    data: int = 0
    bss: int = 0
    tcdm: int = 0


@dataclass(frozen=True)
class Image:
    """What an ELF holds.

    Parameters
    ----------
    entry
        Where harts start.
    code
        Words of sections of code by address.
    inline
        Addresses of those that are marked as data; they may be executed all the same.
    words
        Words of loaded data by address.
    tables
        Where the linker put arrays of constants, and their words.
    symbols
        Value of every named symbol.
    names
        Names of the places in code that have one, functions among them, by address.
    sizes
        Of its sections.
    """

    entry: int
    code: dict[int, int]
    inline: frozenset[int]
    words: dict[int, int]
    tables: dict[int, tuple[int, ...]]
    symbols: dict[str, int]
    names: dict[int, str]
    sizes: Sizes

    @property
    def stack_bytes(self) -> int | None:
        """The stack that each hart was given; None when the image does not say."""
        return self.symbols.get("__stack_bytes")

    @cached_property
    def starts(self) -> list[int]:
        """Addresses at which functions begin, in order.

        Places with a name, the entry, and what a `jal` calls.
        """
        found = {self.entry, *self.names}
        for address, word in self.code.items():
            i = decode(word)
            if address not in self.inline and i is not None and i.name == "jal" and i.rd == 1:
                found.add(address + i.operand("imm_j") & 0xFFFFFFFF)
        return sorted(found & self.code.keys())

    def end_of(self, address: int) -> int:
        """Where the function ends that holds an address: at the next one, or with the code."""
        after = bisect_right(self.starts, address)
        return self.starts[after] if after < len(self.starts) else max(self.code) + _WORD

    def name_of(self, address: int) -> str:
        """A name for an address of code: of the function, and how far behind its start it is."""
        before = bisect_right(self.starts, address) - 1
        if before < 0:
            return f"{address:#x}"
        start = self.starts[before]
        name = self.names.get(start, f"{start:#x}")
        return name if start == address else f"{name}+{address - start:#x}"


def _words(address: int, data: bytes) -> dict[int, int]:
    skip = -address % _WORD
    count = (len(data) - skip) // _WORD
    if count <= 0:
        return {}
    found = struct.unpack_from(f"<{count}I", data, skip)
    return {address + skip + _WORD * n: word for n, word in enumerate(found)}


def _marked(code: dict[int, int], marks: list[tuple[int, bool]]) -> frozenset[int]:
    """Addresses between a mark of data ($d) and the next one of code ($x)."""
    places = [address for address, _ in marks]
    return frozenset(
        address
        for address in code
        if (at := bisect_right(places, address)) and not marks[at - 1][1]
    )


def _add(sizes: Sizes, kind: str, size: int) -> Sizes:
    return replace(sizes, **{kind: getattr(sizes, kind) + size})


def _symbols(elf: ELFFile) -> list[Symbol]:
    """Return all symbols, functions first."""
    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        return []
    return sorted(table.iter_symbols(), key=lambda symbol: symbol["st_info"]["type"] != "STT_FUNC")


def _parse(elf: ELFFile, program: Program, config: ClusterConfig) -> Image:
    code, words, sizes, executable, constant = {}, {}, Sizes(), set(), set()
    tcdm = range(TCDM_BASE, TCDM_BASE + config.tcdm.bytes)
    for number, section in enumerate(elf.iter_sections()):
        flags, address, size = section["sh_flags"], section["sh_addr"], section["sh_size"]
        if not flags & SH_FLAGS.SHF_ALLOC:
            continue
        loaded = section["sh_type"] != "SHT_NOBITS"
        is_code = bool(flags & SH_FLAGS.SHF_EXECINSTR)
        if is_code:
            executable.add(number)
            code |= _words(address, section.data())
        elif loaded:
            words |= _words(address, section.data())
            if not flags & SH_FLAGS.SHF_WRITE:
                constant.add(number)
        kind = "data" if flags & SH_FLAGS.SHF_WRITE else "rodata"
        kind = "tcdm" if address in tcdm else "text" if is_code else kind if loaded else "bss"
        sizes = _add(sizes, kind, size)
    names, tables, marks = {}, {}, []
    for symbol in _symbols(elf):
        if symbol["st_info"]["type"] == "STT_OBJECT" and symbol["st_shndx"] in constant:
            start = symbol["st_value"]
            places = range(start, start + min(symbol["st_size"], sizes.rodata), _WORD)
            tables[start] = tuple(words.get(place, 0) for place in places)
        if symbol["st_shndx"] not in executable or not symbol.name:
            continue
        if symbol.name[:2] in ("$x", "$d"):
            marks.append((symbol["st_value"], symbol.name[1] == "x"))
        elif not symbol.name.startswith((".L", "$")):
            names.setdefault(symbol["st_value"], symbol.name)
    data = _marked(code, sorted(marks))
    return Image(program.entry, code, data, words, tables, program.symbols, names, sizes)


def read_image(path: Path | str, config: ClusterConfig) -> Image:
    """Take an ELF apart.

    Raises
    ------
    HeedError
        It is no program for this cluster, is damaged, or does not start in a section of code.
    """
    try:
        program = read_elf(path, config)
        image = _parse(ELFFile(BytesIO(Path(path).read_bytes())), program, config)
    except HeedError as error:
        raise HeedError(error.message, error.hint, status=2) from None
    except (ELFError, UnicodeDecodeError) as error:
        raise HeedError(f"{path} is a damaged ELF file ({error})", status=2) from None
    if image.entry not in image.code:
        raise HeedError(
            f"{path} starts at {image.entry:#010x}, which no section of code holds", status=2
        )
    return image
