"""The integer networks: how they are made, the bundled ones, and what they read."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from heed.zoo.radar import cnn_tcn, quantise_cnn_tcn, quantise_transformer, transformer
from heed.zoo.radar.data import FOLDER, NETWORKS
from heed.zoo.radar.dataset import SEED, plan, sequence
from heed.zoo.radar.layers import Weights
from sw_model import reference
from sw_model.graph import Graph, load

#: Sequences of training users that quantisation is calibrated on, and their distance in the plan of
#: the split: users, gestures and performances take turns.
CALIBRATION, STRIDE = 128, 37

#: Sequences at a time in float.
BATCH = 8


@dataclass(frozen=True)
class IntegerNetwork:
    """What is particular to an integer network.

    Parameters
    ----------
    quantise
        Makes its graph of float weights and of the values of the calibration.
    read
        Makes its input [N, ...] of sequences int8 [N, 5, 32, 492, 2].
    """

    quantise: Callable[[Weights, dict[str, np.ndarray]], Graph]
    read: Callable[[np.ndarray], np.ndarray]


INTEGER_NETWORKS = {
    cnn_tcn.NAME: IntegerNetwork(quantise_cnn_tcn.quantise, lambda sequences: sequences),
    transformer.NAME: IntegerNetwork(quantise_transformer.quantise, transformer.patches),
}


def calibration() -> np.ndarray:
    """Return the sequences int8 [N, 5, 32, 492, 2] that quantisation is calibrated on."""
    items = plan("training")[::STRIDE][:CALIBRATION]
    return np.stack([sequence(SEED, *item) for item in items])


def quantise(name: str, weights: Weights, sequences: np.ndarray) -> Graph:
    """Return the integer graph of "cnn_tcn" or "transformer".

    Parameters
    ----------
    weights
        Float weights.
    sequences
        Of the calibration, int8 [N, 5, 32, 492, 2].
    """
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(sequences), BATCH):
        values = NETWORKS[name].forward(weights, sequences[start : start + BATCH])
        for key, value in values.items():
            if key not in ("frames", "patches"):  # large, and their range is known
                parts.setdefault(key, []).append(value)
    seen = {key: np.concatenate(values) for key, values in parts.items()}
    return INTEGER_NETWORKS[name].quantise(weights, seen)


def load_graph(name: str) -> Graph:
    """Return the bundled integer graph of "cnn_tcn" or "transformer"."""
    return load(FOLDER / f"{name}_graph.npz")


def quantise_input(name: str, sequences: np.ndarray) -> np.ndarray:
    """Return what an integer network reads of one sequence [5, 32, 492, 2], or of several.

    The CNN reads the frames as they are. The Transformer reads their patches [60, 2624], which the
    host copies out of the frames.
    """
    read = INTEGER_NETWORKS[name].read
    return read(sequences[None])[0] if sequences.ndim == 4 else read(sequences)


def int8_classes(graph: Graph, inputs: np.ndarray) -> np.ndarray:
    """Return the gesture [N] that an integer graph sees in each of its inputs [N, ...]."""
    values = reference.run(graph, {graph.inputs[0]: inputs})
    return values[graph.outputs[0]][:, -1].argmax(-1)
