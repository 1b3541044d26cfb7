"""First-fit placement of areas that live from one layer to another."""

from collections.abc import Iterable
from dataclasses import dataclass

from heed.flow.layout import align


@dataclass(frozen=True)
class Life:
    """An area to be placed.

    Parameters
    ----------
    name
        What it is called.
    bytes
        Its size.
    first, last
        First and last layer during which its contents matter, both included.
    """

    name: str
    bytes: int
    first: int
    last: int

    def meets(self, other: "Life") -> bool:
        """Whether both matter during some layer."""
        return self.first <= other.last and other.first <= self.last


class DoesNotFit(Exception):
    """An area found no room; `life` is that area, `peak` what all would have needed so far."""

    def __init__(self, life: Life, peak: int):
        super().__init__(life.name)
        self.life = life
        self.peak = peak


def place(lives: Iterable[Life], start: int, end: int) -> dict[str, int]:
    """Return the offset of each area, from `start` on, so that no two that meet overlap.

    Areas are placed in order of their first layer, each at the lowest offset that is free.

    Raises
    ------
    DoesNotFit
        If one would end after `end`.
    """
    placed: list[tuple[int, Life]] = []
    for life in sorted(lives, key=lambda life: life.first):
        offset = start
        for other_offset, other in sorted(placed, key=lambda item: item[0]):
            free_before = offset + life.bytes <= other_offset
            if other.meets(life) and not free_before:
                offset = max(offset, align(other_offset + other.bytes))
        if offset + life.bytes > end:
            raise DoesNotFit(life, offset + life.bytes)
        placed.append((offset, life))
    return {life.name: offset for offset, life in placed}
