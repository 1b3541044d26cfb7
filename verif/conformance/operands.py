"""Values that instructions are tried with."""

import random
from collections.abc import Iterator

CORNERS = (
    *(0x00000000, 0x00000001, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x80000001),
    *(0x7F7F7F7F, 0x80808080, 0x7FFF7FFF, 0x80008000, 0x7F80FF01, 0x00FF00FF),
    *(0xAAAAAAAA, 0x55555555, 0x0000FFFF, 0x00008000, 0x0000001F, 0x00000020),
)
"""Zero, one, minus one and the extremes, of words, halves and bytes; alternating bits; the largest
shift amount and the next one."""


def triples(rng: random.Random, corners: int, others: int) -> list[tuple[int, int, int]]:
    """Values of rs1, rs2 and rd: pairs of the first `corners` corners, and random ones."""
    few = CORNERS[:corners]
    pairs = [(a, b, _any(rng)) for a in few for b in few]
    return pairs + [(_any(rng), _any(rng), _any(rng)) for _ in range(others)]


def _any(rng: random.Random) -> int:
    """A corner, or a random number that is often small."""
    if rng.random() < 0.3:
        return rng.choice(CORNERS)
    value = rng.getrandbits(32) >> rng.choice((0, 0, 0, 8, 16, 24))
    return ~value & 0xFFFFFFFF if rng.random() < 0.3 else value


def immediates(width: int, is_signed: bool, rng: random.Random) -> Iterator[int]:
    """Values of an operand in the instruction: all when it is narrow, else corners and others."""
    low, high = (-(1 << width - 1), 1 << width - 1) if is_signed else (0, 1 << width)
    if width <= 6:
        yield from range(low, high)
        return
    yield from sorted({low, low + 1, -1 if is_signed else 1, 0, 1, 2, high // 2, high - 1})
    yield from (rng.randrange(low, high) for _ in range(8))
