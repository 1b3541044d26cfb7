"""Mailbox words with which a network's program marks its progress.

Bit 31: the host copies TCDM. Bits 30:28: what happened. Bits 27:12: image. Bits 11:0: layer.
"""

from dataclasses import dataclass
from enum import IntEnum

SNAPSHOT = 0x8
KIND_SHIFT, IMAGE_SHIFT = 28, 12
IMAGE_MASK, LAYER_MASK = 0xFFFF, 0xFFF
MAX_LAYERS = LAYER_MASK + 1


class Mark(IntEnum):
    """What a word says; the ends of layers come with a copy of TCDM."""

    LAYER_BEGIN = 1
    LAYER_END = 2 | SNAPSHOT
    IMAGE_BEGIN = 3
    IMAGE_END = 4


@dataclass(frozen=True)
class Event:
    """A decoded word."""

    mark: Mark
    image: int
    layer: int


def decode(word: int) -> Event | None:
    """Return what a mailbox word says; None if it is no mark."""
    try:
        mark = Mark(word >> KIND_SHIFT)
    except ValueError:
        return None
    return Event(mark, word >> IMAGE_SHIFT & IMAGE_MASK, word & LAYER_MASK)
