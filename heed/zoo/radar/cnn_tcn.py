"""The baseline in float: a CNN on every frame, a TCN over the frames, dense layers.

The shape is that of TinyRadarNN (Scherer et al., arXiv 2006.16281): kernels, channels, pools,
dilations and dense layers. Eleven classes, weights of our own.
"""

from dataclasses import dataclass

import numpy as np

from heed.zoo.radar.frames import FRAMES, SWEEPS
from heed.zoo.radar.gestures import GESTURES
from heed.zoo.radar.layers import Weights, causal, conv, dequantise, linear, max_pool, relu
from heed.zoo.radar.physics import RADAR

NAME = "cnn_tcn"


@dataclass(frozen=True)
class Conv:
    """A convolution that keeps height and width, ReLU, and a max pool of stride `pool`."""

    name: str
    inputs: int
    outputs: int
    kernel: tuple[int, int]
    pool: tuple[int, int]


CONVS = (
    Conv("conv1", len(RADAR.sensors), 16, (3, 5), (3, 5)),
    Conv("conv2", 16, 32, (3, 5), (3, 5)),
    Conv("conv3", 32, 64, (1, 7), (1, 7)),
)
CHANNELS = 32
TAPS = 2
DILATIONS = (1, 2, 4)
DENSE = (64, 32, len(GESTURES))


def feature_shape() -> tuple[int, int, int]:
    """Return what is left of a frame after the convolutions: (height, width, channels)."""
    height, width = SWEEPS, RADAR.bins
    for layer in CONVS:
        height, width = height // layer.pool[0], width // layer.pool[1]
    return height, width, CONVS[-1].outputs


def parameter_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter.

    Convolutions [outputs, kh, kw, inputs], causal ones [outputs, taps, inputs], matrices
    [outputs, inputs].
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in CONVS:
        shapes[f"{layer.name}.weight"] = (layer.outputs, *layer.kernel, layer.inputs)
        shapes[f"{layer.name}.bias"] = (layer.outputs,)
    shapes["reduce.weight"] = (CHANNELS, int(np.prod(feature_shape())))
    shapes["reduce.bias"] = (CHANNELS,)
    for block in range(len(DILATIONS)):
        shapes[f"tcn{block}.weight"] = (CHANNELS, TAPS, CHANNELS)
        shapes[f"tcn{block}.bias"] = (CHANNELS,)
    inputs = CHANNELS
    for name, outputs in zip(("dense1", "dense2", "classify"), DENSE, strict=True):
        shapes[f"{name}.weight"] = (outputs, inputs)
        shapes[f"{name}.bias"] = (outputs,)
        inputs = outputs
    return shapes


def multiply_accumulates() -> dict[str, int]:
    """Return the multiply-accumulates of each layer for a sequence of 5 frames."""
    height, width = SWEEPS, RADAR.bins
    counts = {}
    for layer in CONVS:
        kernel = layer.kernel[0] * layer.kernel[1] * layer.inputs
        counts[layer.name] = FRAMES * height * width * layer.outputs * kernel
        height, width = height // layer.pool[0], width // layer.pool[1]
    for name, shape in parameter_shapes().items():
        if name.endswith("weight") and not name.startswith("conv"):
            counts[name.removesuffix(".weight")] = FRAMES * int(np.prod(shape))
    return counts


def forward(weights: Weights, sequences: np.ndarray) -> dict[str, np.ndarray]:
    """Return every intermediate value of a batch of sequences int8 [N, 5, 32, 492, 2].

    "conv1" to "conv3" are taken after ReLU and pool, [N * 5, H, W, C]; "features" [N, 5, 384] is
    the last of them in the order height, width, channel; "tcnK.linear" is before ReLU, "tcnK"
    after the residual sum. "classify" [N, 5, 11] has a row a frame; the last row, which has seen
    all frames, is the answer.
    """
    values = {"frames": dequantise(sequences)}
    x = values["frames"].reshape(-1, SWEEPS, RADAR.bins, len(RADAR.sensors))
    for layer in CONVS:
        x = values[layer.name] = max_pool(relu(conv(x, weights, layer.name)), layer.pool)
    values["features"] = x.reshape(len(sequences), FRAMES, -1)
    x = values["reduce"] = linear(values["features"], weights, "reduce")
    for block, dilation in enumerate(DILATIONS):
        name = f"tcn{block}"
        values[f"{name}.linear"] = causal(x, weights, name, dilation)
        values[f"{name}.relu"] = relu(values[f"{name}.linear"])
        x = values[name] = x + values[f"{name}.relu"]
    x = values["dense1"] = relu(linear(x, weights, "dense1"))
    x = values["dense2"] = relu(linear(x, weights, "dense2"))
    values["classify"] = linear(x, weights, "classify")
    return values


def classes(weights: Weights, sequences: np.ndarray) -> np.ndarray:
    """Return the gesture [N] that the network sees in each sequence int8 [N, 5, 32, 492, 2]."""
    return forward(weights, sequences)["classify"][:, -1].argmax(-1)
