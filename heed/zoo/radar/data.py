"""The committed files: float weights of both networks."""

from pathlib import Path

import numpy as np

from heed.zoo.radar import cnn_tcn, transformer
from heed.zoo.radar.layers import Weights

FOLDER = Path(__file__).parent / "data"

NETWORKS = {network.NAME: network for network in (cnn_tcn, transformer)}


def load_weights(name: str) -> Weights:
    """Return the float weights of "cnn_tcn" or "transformer"."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return {key: file[key] for key in NETWORKS[name].parameter_shapes()}


def save_weights(name: str, weights: Weights) -> None:
    """Write the float weights of "cnn_tcn" or "transformer"."""
    np.savez_compressed(FOLDER / f"{name}.npz", **weights)
