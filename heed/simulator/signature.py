"""Signatures: the words that a program leaves between two symbols."""

from pathlib import Path

import numpy as np

from heed.errors import HeedError
from heed.simulator.elf import Program, check_range
from hw.config import ClusterConfig

BEGIN, END = "begin_signature", "end_signature"


def signature_range(program: Program, what: str, config: ClusterConfig) -> tuple[int, int]:
    """Return address and bytes of a program's signature.

    Parameters
    ----------
    program
    what
        Name of the program, for messages.
    config
        The cluster that it runs on.

    Raises
    ------
    HeedError
        A symbol is missing, or they enclose no words of a memory.
    """
    if missing := [name for name in (BEGIN, END) if name not in program.symbols]:
        raise HeedError(
            f"{what} has no signature: there is no symbol {' and no symbol '.join(missing)}",
            f"A signature is the words from {BEGIN} up to, without, {END}.",
        )
    begin, end = program.symbols[BEGIN], program.symbols[END]
    if begin % 4 or end % 4 or end < begin:
        raise HeedError(
            f"{what}: the signature goes from {begin:#010x} to {end:#010x}, but must go from a "
            "multiple of 4 to the same or a later one"
        )
    check_range(f"{what}: the signature", begin, end - begin, config)
    return begin, end - begin


def signature_text(data: bytes) -> str:
    """Return the words of a signature, one a line, eight hex digits."""
    return "".join(f"{word:08x}\n" for word in np.frombuffer(data, "<u4"))


def write_signature(path: str | Path, data: bytes) -> None:
    """Write the words of a signature to a file.

    Raises
    ------
    HeedError
        When the file cannot be written.
    """
    try:
        Path(path).write_text(signature_text(data))
    except OSError as error:
        raise HeedError(f"cannot write the signature {path}: {error.strerror}") from None
