"""The committed files: weights, integer graph, test images; and the network's input format."""

from pathlib import Path

import numpy as np

from heed.zoo.digits_vit.architecture import IMAGE, PIXEL_MAX, Weights, parameter_shapes
from heed.zoo.digits_vit.quantise import PIXEL_STEP
from sw_model.graph import Graph, load

FOLDER = Path(__file__).parent / "data"

#: Seed of the committed weights.
SEED = 0


def load_graph() -> Graph:
    """Return the int8 network: input "image" int8 [8, 8], output "classify" int32 [1, 10]."""
    return load(FOLDER / "graph.npz")


def load_weights() -> Weights:
    """Return the float weights that the graph was made from."""
    with np.load(FOLDER / "weights.npz") as file:
        return {name: file[name] for name in parameter_shapes()}


def load_images() -> tuple[np.ndarray, np.ndarray]:
    """Return the held-out test set: images uint8 [N, 8, 8] with pixels 0..16, and their labels.

    None of them served training, calibration or a choice.
    """
    with np.load(FOLDER / "images.npz") as file:
        return file["test_images"], file["test_labels"]


def load_calibration() -> np.ndarray:
    """Return the training images that quantisation is calibrated on, uint8 [N, 8, 8]."""
    with np.load(FOLDER / "images.npz") as file:
        return file["calibration_images"]


def quantise_images(images: np.ndarray) -> np.ndarray:
    """Return images [..., 8, 8] of pixels 0..16 as the network's int8 input.

    Raises
    ------
    ValueError
        If the shape is wrong or a value is not a whole number from 0 to 16.
    """
    images = np.asarray(images)
    if images.shape[-2:] != (IMAGE, IMAGE):
        raise ValueError(f"image has shape {images.shape}; ({IMAGE}, {IMAGE}) is needed")
    if images.dtype.kind not in "iuf":
        raise ValueError(f"image holds {images.dtype}; whole numbers 0 to {PIXEL_MAX} are needed")
    bad = ~((images >= 0) & (images <= PIXEL_MAX) & (images == np.floor(images)))
    if bad.any():
        raise ValueError(f"image holds {images[bad][0]}; whole numbers 0 to {PIXEL_MAX} are needed")
    return ((images.astype(np.int64) - PIXEL_MAX // 2) * PIXEL_STEP).astype(np.int8)


def quantise_input(image: np.ndarray) -> np.ndarray:
    """Return one image [8, 8] of pixels 0..16 as the network's int8 input [8, 8].

    Raises
    ------
    ValueError
        If the shape is wrong or a value is not a whole number from 0 to 16.
    """
    if np.shape(image) != (IMAGE, IMAGE):
        raise ValueError(f"image has shape {np.shape(image)}; ({IMAGE}, {IMAGE}) is needed")
    return quantise_images(image)
