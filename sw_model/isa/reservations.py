"""Reservations of LR and SC, which all harts on one memory share."""


class Reservations:
    """Which word each hart has reserved, if any."""

    def __init__(self):
        self._words: dict[int, int] = {}

    def reserve(self, hart_id: int, address: int) -> None:
        """Give a hart a reservation, in place of the one it has."""
        self._words[hart_id] = address & ~3

    def take(self, hart_id: int, address: int) -> bool:
        """End a hart's reservation; return whether it was of that word."""
        return self._words.pop(hart_id, None) == address & ~3

    def written(self, address: int, by: int | None = None) -> None:
        """End every reservation of a word, but for that of the hart which wrote it."""
        for hart_id, word in list(self._words.items()):
            if word == address & ~3 and hart_id != by:
                del self._words[hart_id]
