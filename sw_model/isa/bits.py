"""Numbers of a fixed width, and words as lanes."""

MASK = 0xFFFFFFFF
"""32 ones."""


def ones(width: int) -> int:
    """The largest unsigned number of that width."""
    return (1 << width) - 1


def signed(value: int, width: int = 32) -> int:
    """Read the low `width` bits of a number as two's complement."""
    value &= (1 << width) - 1
    return value - (1 << width) if value >> (width - 1) else value


def split(word: int, width: int, is_signed: bool = False) -> list[int]:
    """The lanes of a word, lowest first."""
    mask = ones(width)
    lanes = [word >> low & mask for low in range(0, 32, width)]
    return [signed(lane, width) for lane in lanes] if is_signed else lanes


def join(lanes: list[int], width: int) -> int:
    """The word with these lanes, lowest first; each keeps its low `width` bits."""
    mask, word = ones(width), 0
    for lane in reversed(lanes):
        word = word << width | lane & mask
    return word


def replicate(value: int, width: int) -> int:
    """The word with the low bits of a value in every lane."""
    return join([value] * (32 // width), width)
