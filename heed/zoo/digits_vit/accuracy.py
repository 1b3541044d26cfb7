"""Held-out accuracy of the float and the int8 network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from heed.zoo.digits_vit.architecture import Weights, forward
from heed.zoo.digits_vit.data import (
    SEED,
    load_calibration,
    load_graph,
    load_images,
    load_weights,
    quantise_images,
)
from heed.zoo.digits_vit.quantise import quantise
from sw_model.graph import Graph
from sw_model.reference import run


@dataclass(frozen=True)
class Row:
    """Accuracies of one seed: shares of the held-out images, 0..1."""

    seed: int
    float_accuracy: float
    int8_accuracy: float
    images: int


def float_accuracy(weights: Weights, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images [N, 8, 8] that the float network classifies as labelled."""
    logits = forward(weights, images)["classify"]
    return float(np.mean(logits[:, 0].argmax(axis=-1) == labels))


def int8_accuracy(graph: Graph, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images [N, 8, 8] that the integer graph classifies as labelled."""
    logits = run(graph, {"image": quantise_images(images)})["classify"]
    return float(np.mean(logits[:, 0].argmax(axis=-1) == labels))


def report(
    seeds: list[int] | tuple[int, ...] = (SEED,),
    progress: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Return a row of accuracies for each seed.

    The committed seed comes with its weights; any other is trained here, which needs the
    `train` extra.

    Parameters
    ----------
    seeds
        Whole numbers from 0.
    progress
        Called with a line of text now and then.

    Raises
    ------
    ValueError
        If a seed is negative.
    ImportError
        If a seed must be trained and PyTorch or scikit-learn is missing; says what to install.
    """
    for seed in seeds:
        if seed < 0:
            raise ValueError(f"seed is {seed}; whole numbers from 0 are allowed")
    if any(seed != SEED for seed in seeds):
        from heed.zoo.digits_vit.train import load_split, train

        train_images, train_labels, _, _ = load_split()
    images, labels = load_images()
    rows = []
    for seed in seeds:
        if seed == SEED:
            weights, graph = load_weights(), load_graph()
        else:
            weights = train(seed, train_images, train_labels, progress)
            graph = quantise(weights, load_calibration())
        row = Row(
            seed,
            float_accuracy(weights, images, labels),
            int8_accuracy(graph, images, labels),
            len(labels),
        )
        progress(f"seed {seed}: float {row.float_accuracy:.2%}, int8 {row.int8_accuracy:.2%}")
        rows.append(row)
    return rows
