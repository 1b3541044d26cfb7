"""The encodings of CORE-V's XCV instructions, from `verif/data/xcv_encodings.csv`."""

import csv
from pathlib import Path
from typing import NamedTuple

PATH = Path(__file__).parents[1] / "data" / "xcv_encodings.csv"

NOT_IN_HEED = ("cv.elw",)
"""Instructions of the manual that are illegal here."""


class Encoding(NamedTuple):
    """One instruction: its fixed bits, and an example in assembler with its word.

    `word` is None where no assembler was there to ask.
    """

    mnemonic: str
    operands: str
    mask: int
    match: int
    example: str
    word: int | None


def xcv_encodings() -> list[Encoding]:
    """Every XCV instruction that Heed has."""
    with PATH.open(newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        encodings = [
            Encoding(
                mnemonic=row["mnemonic"],
                operands=row["operands"],
                mask=int(row["mask"], 16),
                match=int(row["match"], 16),
                example=row["example"],
                word=int(row["word"], 16) if row["word"] else None,
            )
            for row in rows
        ]
    return [encoding for encoding in encodings if encoding.mnemonic not in NOT_IN_HEED]
