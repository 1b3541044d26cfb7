"""The scratchpad's memory: which bank holds a word, and an image of all bytes.

Software never sees banks; loaders, dumps and test benches that reach into the banks do.
`hw/tcdm/hash.py` is the same function as gateware, and tested equal.
"""

import numpy as np

from hw.config import WORD_BYTES, TcdmConfig

HASH_LANES = 8
"""Words of a 64-byte beat; they always sit in different banks (or lanes of the row)."""


def locate(config: TcdmConfig, offset: int) -> tuple[int, int]:
    """Return (bank, row) of the word that holds the byte at `offset` of the scratchpad.

    The word index is {row, group, lane}: 3 bits of lane, log2(banks / 8) bits of group, the rest
    is the row. The bank is {hashed group, lane}, where the hashed group is the group XOR all
    group-wide digits of the row. With 8 banks or fewer the bank is the low bits of the word
    index.

    Raises
    ------
    ValueError
        When `offset` lies outside the scratchpad.
    """
    if not 0 <= offset < config.bytes:
        raise ValueError(f"offset is {offset:#x}, but must be from 0 to {config.bytes - 1:#x}")
    word = offset // WORD_BYTES
    row, bank = divmod(word, config.banks)
    return bank ^ _row_hash(config, row), row


def offset_of(config: TcdmConfig, bank: int, row: int) -> int:
    """Return the byte offset of a bank's row: the inverse of `locate`.

    Raises
    ------
    ValueError
        When there is no such bank or row.
    """
    if not 0 <= bank < config.banks:
        raise ValueError(f"bank is {bank}, but must be from 0 to {config.banks - 1}")
    if not 0 <= row < config.bank_depth:
        raise ValueError(f"row is {row}, but must be from 0 to {config.bank_depth - 1}")
    return (row * config.banks + (bank ^ _row_hash(config, row))) * WORD_BYTES


def _row_hash(config: TcdmConfig, row: int) -> int:
    """Return what a row XORs onto the bank number: its folded digits, above the lane."""
    if config.banks <= HASH_LANES:
        return 0
    groups = config.banks // HASH_LANES
    folded = 0
    while row:
        row, digit = divmod(row, groups)
        folded ^= digit
    return folded * HASH_LANES


class TcdmImage:
    """All bytes of a scratchpad, as software sees them.

    Parameters
    ----------
    config
        The scratchpad's configuration.
    data
        Initial bytes, `config.bytes` of them; zeros when left out.

    Attributes
    ----------
    bytes : bytearray
        The image; offset 0 is the first byte of the scratchpad.
    """

    def __init__(self, config: TcdmConfig, data: bytes | None = None) -> None:
        if data is not None and len(data) != config.bytes:
            raise ValueError(f"data has {len(data)} bytes, but the scratchpad {config.bytes}")
        self.config = config
        self.bytes = bytearray(config.bytes if data is None else data)

    def load(self, offset: int) -> int:
        """Return the 64-bit word that holds `offset` (bits 2:0 are ignored)."""
        start = self._start(offset)
        return int.from_bytes(self.bytes[start : start + WORD_BYTES], "little")

    def store(self, offset: int, data: int, strobe: int = 0xFF) -> None:
        """Write the bytes of a 64-bit word whose strobe bits are set."""
        start = self._start(offset)
        for lane in range(WORD_BYTES):
            if strobe >> lane & 1:
                self.bytes[start + lane] = data >> 8 * lane & 0xFF

    def to_banks(self) -> np.ndarray:
        """Return what the banks hold: uint64 of shape (banks, rows)."""
        words = np.frombuffer(bytes(self.bytes), "<u8").reshape(-1, self.config.banks)
        return words[np.arange(self.config.bank_depth), self._columns()].astype(np.uint64)

    def from_banks(self, words: np.ndarray) -> None:
        """Replace the image by the contents of the banks: uint64 of shape (banks, rows)."""
        shape = (self.config.banks, self.config.bank_depth)
        if words.shape != shape:
            raise ValueError(f"words has shape {words.shape}, but must have {shape}")
        image = np.empty(shape[::-1], "<u8")
        image[np.arange(self.config.bank_depth), self._columns()] = words
        self.bytes[:] = image.tobytes()

    def _columns(self) -> np.ndarray:
        """Return, for bank and row, the position of that word among the words of its row."""
        rows = range(self.config.bank_depth)
        folded = np.array([_row_hash(self.config, row) for row in rows])
        return np.arange(self.config.banks)[:, None] ^ folded

    def _start(self, offset: int) -> int:
        if not 0 <= offset < self.config.bytes:
            raise ValueError(
                f"offset is {offset:#x}, but must be from 0 to {self.config.bytes - 1:#x}"
            )
        return offset - offset % WORD_BYTES
