"""Accuracy on synthetic sequences, float next to int8: `python -m heed.zoo.radar.accuracy`.

Needs numpy alone. The sequences of validation and test users are made from their numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heed.zoo.radar.data import NETWORKS, load_weights
from heed.zoo.radar.dataset import load_split
from heed.zoo.radar.gestures import GESTURES
from heed.zoo.radar.networks import int8_classes, load_graph, quantise_input

#: Sequences at a time: the first convolution's columns take 9 MB each.
BATCH = 8
SPLITS = ("validation", "test")

Classes = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Row:
    """The accuracy of a network on one split.

    Parameters
    ----------
    network, split
        Names.
    arithmetic
        "float" or "int8".
    confusion
        Counts [gesture shown, gesture seen].
    """

    network: str
    split: str
    arithmetic: str
    confusion: np.ndarray

    @property
    def sequences(self) -> int:
        """Number of sequences."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of sequences seen as what they are, 0..1."""
        return float(self.confusion.trace() / self.confusion.sum())


def confusion(classes: Classes, sequences: np.ndarray, labels: np.ndarray) -> np.ndarray:
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


def forms(name: str) -> Iterator[tuple[str, Classes]]:
    """Yield the forms of a network, "float" and "int8", and what each sees, from the bundled files.

    Parameters
    ----------
    name
        "cnn_tcn" or "transformer".
    """
    weights, graph = load_weights(name), load_graph(name)
    yield "float", lambda sequences: NETWORKS[name].classes(weights, sequences)
    yield "int8", lambda sequences: int8_classes(graph, quantise_input(name, sequences))


def report(
    networks: tuple[str, ...] = tuple(NETWORKS),
    splits: tuple[str, ...] = SPLITS,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Return the accuracies of the bundled networks, a row a split, network and arithmetic.

    Parameters
    ----------
    networks, splits
        What to compute.
    cache
        Folder in which sequences are kept; without it they are made anew.
    progress
        Called with a line of text before every row.
    """
    rows = []
    for split in splits:
        sequences, labels = load_split(split, cache)
        for name in networks:
            for arithmetic, classes in forms(name):
                progress(f"{name} in {arithmetic}: {len(labels)} {split} sequences")
                rows.append(Row(name, split, arithmetic, confusion(classes, sequences, labels)))
    return rows


def accuracies(
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, tuple[float, float]]:
    """Return the accuracies of each network on the test users, in float and in int8."""
    rows = report(splits=("test",), progress=progress)
    of = {(row.network, row.arithmetic): row.accuracy for row in rows}
    return {name: (of[name, "float"], of[name, "int8"]) for name in NETWORKS}


def table(rows: list[Row]) -> list[str]:
    """Return lines of a table in Markdown: a network a line, its sizes and accuracies."""
    columns = list(dict.fromkeys((row.split, row.arithmetic) for row in rows))
    of = {(row.network, row.split, row.arithmetic): row.accuracy for row in rows}
    heads = ["network", "parameters", "multiply-accumulates", *map(", ".join, columns)]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1)]
    for name in dict.fromkeys(row.network for row in rows):
        network = NETWORKS[name]
        parameters = sum(int(np.prod(shape)) for shape in network.parameter_shapes().values())
        macs = sum(network.multiply_accumulates().values())
        shares = [f"{of[name, *column]:.2%}" for column in columns]
        lines.append("| " + " | ".join([name, f"{parameters:,}", f"{macs:,}", *shares]) + " |")
    return lines


def mistakes(row: Row) -> list[str]:
    """Return a line a gesture: how often it was recognised, and what it was taken for."""
    lines = []
    for shown, (gesture, counts) in enumerate(zip(GESTURES, row.confusion, strict=True)):
        others = [
            f"{GESTURES[seen]} {counts[seen]}"
            for seen in np.argsort(-counts, kind="stable")
            if counts[seen] and seen != shown
        ]
        wrong = f"; taken for {', '.join(others)}" if others else ""
        lines.append(f"{gesture}: {counts[shown]} of {counts.sum()}{wrong}")
    return lines


def main() -> None:
    """Print what was taken for what, and the table of accuracies on synthetic sequences."""
    rows = report(progress=lambda text: print(f"{text} ...", flush=True))
    for row in rows:
        print(f"\n{row.network} in {row.arithmetic}, {row.split}: {row.accuracy:.2%}")
        print("\n".join(f"  {line}" for line in mistakes(row)))
    print("\nSynthetic sequences:", *table(rows), sep="\n")


if __name__ == "__main__":
    main()
