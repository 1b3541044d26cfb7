"""A bare program and what it must leave in memory."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from verif.conformance.elf import elf_bytes


class Wrong(NamedTuple):
    """A word of a signature that is not what it should be."""

    index: int
    what: str
    got: int
    expected: int

    def __str__(self) -> str:
        return f"{self.index}: {self.what}: {self.got:#010x}, expected {self.expected:#010x}"


@dataclass(frozen=True)
class Program:
    """One program, in machine code.

    It runs on one hart, leaves one word a check in its signature, and ends by storing 1 to
    `tohost`. The words of the signature that it never writes hold `UNWRITTEN`.

    Parameters
    ----------
    name : str
        Name, usable for a file.
    segments : tuple of (int, bytes)
        Address and contents of what to load; the signature is part of it.
    entry : int
        Where to start.
    tohost : int
        Address of the word that ends it.
    signature : int
        Address of the first word of the signature.
    expected : tuple of int
        What the signature must be.
    what : tuple of str
        What each of its words checks.
    """

    name: str
    segments: tuple[tuple[int, bytes], ...]
    entry: int
    tohost: int
    signature: int
    expected: tuple[int, ...]
    what: tuple[str, ...]

    @property
    def symbols(self) -> dict[str, int]:
        """Addresses by the names that simulators look for."""
        return {
            "_start": self.entry,
            "tohost": self.tohost,
            "begin_signature": self.signature,
            "end_signature": self.signature + 4 * len(self.expected),
        }

    def elf_bytes(self) -> bytes:
        """The program as an ELF file."""
        return elf_bytes(self.entry, self.segments, self.symbols)


UNWRITTEN = 0xDEADBEEF


def compare(program: Program, signature: bytes) -> list[Wrong]:
    """Return what is wrong in a signature; `bytes` may be longer than that."""
    got = struct.unpack_from(f"<{len(program.expected)}I", signature)
    both = zip(program.what, got, program.expected, strict=True)
    return [Wrong(n, *check) for n, check in enumerate(both) if check[1] != check[2]]
