"""What atomic operations do to a 32-bit word, and who may store conditionally."""

from hw.tcdm.bus import TcdmOp

_WORD = (1 << 32) - 1


def amo(op: TcdmOp, old: int, operand: int) -> int:
    """Return what an atomic memory operation leaves of the word `old`, both without sign."""
    results = {
        TcdmOp.AMO_SWAP: operand,
        TcdmOp.AMO_ADD: old + operand & _WORD,
        TcdmOp.AMO_XOR: old ^ operand,
        TcdmOp.AMO_AND: old & operand,
        TcdmOp.AMO_OR: old | operand,
        TcdmOp.AMO_MIN: min(old, operand, key=_signed),
        TcdmOp.AMO_MAX: max(old, operand, key=_signed),
        TcdmOp.AMO_MINU: min(old, operand),
        TcdmOp.AMO_MAXU: max(old, operand),
    }
    return results[op]


AMOS = [op for op in TcdmOp if op.name.startswith("AMO_")]


class ReservedWords:
    """The reservations of harts: one word each, named by its number in memory.

    Parameters
    ----------
    harts
        The first masters, that can have one; the others' conditional stores always fail.
    """

    def __init__(self, harts: int) -> None:
        self.words: list[int | None] = [None] * harts

    def reserve(self, master: int, word: int) -> None:
        """A load-reserved of `word`."""
        if master < len(self.words):
            self.words[master] = word

    def release(self, master: int, word: int) -> bool:
        """A store-conditional to `word`: return whether it may store."""
        if master >= len(self.words):
            return False
        held, self.words[master] = self.words[master], None
        return held == word

    def written(self, master: int, word: int) -> None:
        """Anything that writes to `word`: the reservations of others end."""
        for hart, held in enumerate(self.words):
            if hart != master and held == word:
                self.words[hart] = None


def _signed(word: int) -> int:
    return word - (word >> 31 << 32)
