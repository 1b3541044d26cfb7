"""Reads bare RV32 programs: what goes where, where they start, how they end."""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from heed.errors import HeedError
from hw.config import MAIN_BASE, TCDM_BASE, ClusterConfig

_COMPRESSED_FLAG = 1


@dataclass(frozen=True)
class Program:
    """A program that fits the cluster it was read for.

    Attributes
    ----------
    segments
        Address and bytes of everything to load.
    entry
        Address that harts start at.
    symbols
        Address of every symbol that has one.
    tohost
        Address of the word that ends a run, if the program has one.
    """

    segments: tuple[tuple[int, bytes], ...]
    entry: int
    symbols: dict[str, int]

    @property
    def tohost(self) -> int | None:
        return self.symbols.get("tohost")


def memories(config: ClusterConfig) -> tuple[tuple[str, int, int], ...]:
    """Return name, base and bytes of each memory that programs can lie in."""
    return (
        ("TCDM", TCDM_BASE, config.tcdm.bytes),
        ("main memory", MAIN_BASE, config.main_bytes),
    )


def check_range(what: str, address: int, length: int, config: ClusterConfig) -> None:
    """Refuse a range of addresses that lies in no memory of the cluster.

    Raises
    ------
    HeedError
        Names the range and the memories there are.
    """
    for _, base, size in memories(config):
        if base <= address and address + length <= base + size:
            return
    places = " and ".join(
        f"{name} ({base:#010x} to {base + size - 1:#010x})" for name, base, size in memories(config)
    )
    raise HeedError(
        f"{what} at {address:#010x}, {length} bytes, does not lie in a memory of preset "
        f"{config.name}: there are {places}"
    )


def check_run(
    elf: "str | Path | Program",
    config: ClusterConfig,
    harts: int,
    max_cycles: int,
    loads: Iterable[tuple[int, bytes]],
    dumps: Iterable[tuple[int, int]],
) -> Program:
    """Check what a run was asked for, and return its program, read when it is a path.

    Raises
    ------
    HeedError
        The program or one of the other values does not fit the cluster.
    """
    program = elf if isinstance(elf, Program) else read_elf(elf, config)
    if not 1 <= harts <= config.harts:
        raise HeedError(f"harts is {harts}, but preset {config.name} has 1 to {config.harts}")
    if max_cycles < 1:
        raise HeedError(f"max_cycles is {max_cycles}, but must be 1 or more")
    for address, data in loads:
        check_range("data to load", address, len(data), config)
    for address, length in dumps:
        check_range("data to dump", address, length, config)
    return program


def read_elf(path: str | Path, config: ClusterConfig) -> Program:
    """Read the ELF file at `path` for a cluster of that configuration.

    Raises
    ------
    HeedError
        The file cannot be read, is no ELF file, not for RV32 without compressed instructions,
        not a linked program, does not fit the cluster's memories or has no usable entry point.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise HeedError(f"cannot read {path}: {error.strerror}") from None
    try:
        return _parse(ELFFile(BytesIO(raw)), path, config)
    except (ELFError, UnicodeDecodeError) as error:
        raise HeedError(f"{path} is not an ELF file, or a damaged one ({error})") from None


def _parse(elf: ELFFile, path: Path, config: ClusterConfig) -> Program:
    _check_header(elf, path)
    segments = []
    for number, segment in enumerate(elf.iter_segments("PT_LOAD")):
        address, size = segment["p_paddr"], segment["p_memsz"]
        if size == 0:
            continue
        check_range(f"{path}: segment {number}", address, size, config)
        data = segment.data()
        if len(data) != segment["p_filesz"] or len(data) > size:
            raise HeedError(
                f"{path}: segment {number} says {segment['p_filesz']} bytes, but the file holds "
                f"{len(data)} of them"
            )
        segments.append((address, size, data))
    if not segments:
        raise HeedError(f"{path} has nothing to load: no PT_LOAD segment of any size")

    entry = elf["e_entry"]
    if not any(address <= entry < address + size for address, size, _ in segments) or entry % 4:
        raise HeedError(
            f"{path} has no usable entry point: {entry:#010x} is not an instruction of one of its "
            "segments",
            "Link it with a symbol _start, or with -e <symbol>.",
        )
    program = Program(
        tuple((address, data) for address, _, data in segments if data), entry, _symbols(elf)
    )
    if program.tohost is not None:
        check_range(f"{path}: the word tohost", program.tohost, 4, config)
        if program.tohost % 4:
            raise HeedError(
                f"{path}: tohost is at {program.tohost:#010x}, but must be a multiple of 4"
            )
    return program


def _check_header(elf: ELFFile, path: Path) -> None:
    if elf["e_machine"] != "EM_RISCV":
        raise HeedError(f"{path} is a program for {elf.get_machine_arch()}, not for RISC-V")
    if elf.elfclass != 32:
        raise HeedError(f"{path} is an RV{elf.elfclass} program, but the cores are RV32")
    if not elf.little_endian:
        raise HeedError(f"{path} is big-endian, but the cores are little-endian")
    if elf["e_type"] != "ET_EXEC":
        raise HeedError(
            f"{path} is of type {elf['e_type']}, but must be a linked program (ET_EXEC)",
            "Link it statically, at fixed addresses.",
        )
    if elf["e_flags"] & _COMPRESSED_FLAG:
        raise HeedError(
            f"{path} was compiled for compressed instructions, which the cores do not have",
            "Compile it for rv32ima, without c.",
        )


def _symbols(elf: ELFFile) -> dict[str, int]:
    found = {}
    for section in elf.iter_sections():
        if isinstance(section, SymbolTableSection):
            for symbol in section.iter_symbols():
                if symbol.name and symbol["st_shndx"] != "SHN_UNDEF":
                    found[symbol.name] = symbol["st_value"]
    return found
