"""Accuracy on synthetic sequences: `python -m heed.zoo.radar.accuracy`.

Needs numpy alone. The sequences of validation and test users are made from their numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heed.zoo.radar.data import NETWORKS, load_weights
from heed.zoo.radar.dataset import load_split
from heed.zoo.radar.gestures import GESTURES

#: Sequences at a time: the first convolution's columns take 9 MB each.
BATCH = 8
SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Row:
    """The accuracy of a network on one split.

    Parameters
    ----------
    network, split
        Names.
    confusion
        Counts [gesture shown, gesture seen].
    """

    network: str
    split: str
    confusion: np.ndarray

    @property
    def sequences(self) -> int:
        """Number of sequences."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of sequences seen as what they are, 0..1."""
        return float(self.confusion.trace() / self.confusion.sum())


def confusion(
    classes: Callable[[np.ndarray], np.ndarray], sequences: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Return counts [gesture shown, gesture seen].

    Parameters
    ----------
    classes
        Gives the gestures [N] of sequences int8 [N, 5, 32, 492, 2].
    """
    counts = np.zeros((len(GESTURES), len(GESTURES)), int)
    for start in range(0, len(labels), BATCH):
        part = slice(start, start + BATCH)
        np.add.at(counts, (labels[part], classes(sequences[part])), 1)
    return counts


def report(
    networks: tuple[str, ...] = tuple(NETWORKS),
    splits: tuple[str, ...] = SPLITS,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Return the float accuracies from the committed weights, a row a network and split.

    Parameters
    ----------
    networks, splits
        What to compute.
    cache
        Folder in which sequences are kept; without it they are made anew.
    progress
        Called with a line of text for every row.
    """
    rows = []
    for split in splits:
        sequences, labels = load_split(split, cache)
        for name in networks:
            weights = load_weights(name)

            def classes(part: np.ndarray, name=name, weights=weights) -> np.ndarray:
                return NETWORKS[name].classes(weights, part)

            row = Row(name, split, confusion(classes, sequences, labels))
            progress(f"{name}, {split}: float {row.accuracy:.2%} of {row.sequences} sequences")
            rows.append(row)
    return rows


def main() -> None:
    """Print accuracies on synthetic sequences, and what was taken for what."""
    for row in report(progress=print):
        for gesture, counts in zip(GESTURES, row.confusion, strict=True):
            others = [
                f"{GESTURES[seen]} {counts[seen]}"
                for seen in np.argsort(-counts)
                if counts[seen] and GESTURES[seen] != gesture
            ]
            right = counts[GESTURES.index(gesture)]
            wrong = f"; taken for {', '.join(others)}" if others else ""
            print(f"  {gesture}: {right} of {counts.sum()}{wrong}")


if __name__ == "__main__":
    main()
