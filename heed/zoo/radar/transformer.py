"""The Transformer in float: patches of the frames as tokens, encoder layers, mean, classifier.

A patch holds all 32 Doppler rows and both sensors of 41 range bins (2 cm): a frame has 12 tokens, a
sequence 60. LayerNorm comes first, the residual stream is never normalised but at the end.
"""

import numpy as np

from heed.zoo.radar.frames import FRAMES, SWEEPS
from heed.zoo.radar.gestures import GESTURES
from heed.zoo.radar.layers import Weights, dequantise, gelu, layernorm, linear
from heed.zoo.radar.physics import RADAR

NAME = "transformer"

PATCH = 41
TOKENS_A_FRAME = RADAR.bins // PATCH
TOKENS = FRAMES * TOKENS_A_FRAME
PATCH_SIZE = SWEEPS * PATCH * len(RADAR.sensors)
WIDTH = 64
HEADS = 4
HEAD_DIM = WIDTH // HEADS
HIDDEN = 128
LAYERS = 2
CLASSES = len(GESTURES)


def parameter_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter; matrices are [outputs, inputs]."""
    shapes: dict[str, tuple[int, ...]] = {
        "embed.weight": (WIDTH, PATCH_SIZE),
        "embed.bias": (WIDTH,),
        "position": (TOKENS, WIDTH),
    }
    for layer in range(LAYERS):
        for name in ("norm1", "norm2"):
            shapes[f"layer{layer}.{name}.weight"] = (WIDTH,)
            shapes[f"layer{layer}.{name}.bias"] = (WIDTH,)
        for name, outputs, inputs in (
            ("query", WIDTH, WIDTH),
            ("key", WIDTH, WIDTH),
            ("value", WIDTH, WIDTH),
            ("project", WIDTH, WIDTH),
            ("expand", HIDDEN, WIDTH),
            ("reduce", WIDTH, HIDDEN),
        ):
            shapes[f"layer{layer}.{name}.weight"] = (outputs, inputs)
            shapes[f"layer{layer}.{name}.bias"] = (outputs,)
    shapes["norm.weight"] = shapes["norm.bias"] = (WIDTH,)
    shapes["classify.weight"] = (CLASSES, WIDTH)
    return shapes


def multiply_accumulates() -> dict[str, int]:
    """Return the multiply-accumulates of each layer for a sequence of 5 frames."""
    counts = {"embed": TOKENS * PATCH_SIZE * WIDTH}
    for layer in range(LAYERS):
        counts[f"layer{layer}.query, key, value, project"] = 4 * TOKENS * WIDTH * WIDTH
        counts[f"layer{layer}.attention"] = 2 * TOKENS * TOKENS * WIDTH
        counts[f"layer{layer}.expand, reduce"] = 2 * TOKENS * WIDTH * HIDDEN
    return counts | {"classify": WIDTH * CLASSES}


def patches(sequences: np.ndarray) -> np.ndarray:
    """Return [N, 60, 2624]: the patches of [N, 5, 32, 492, 2], frame by frame, near to far.

    In a patch the order is Doppler, range, sensor.
    """
    shape = (-1, FRAMES, SWEEPS, TOKENS_A_FRAME, PATCH, len(RADAR.sensors))
    return sequences.reshape(shape).swapaxes(2, 3).reshape(-1, TOKENS, PATCH_SIZE)


def _heads(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), TOKENS, HEADS, HEAD_DIM).swapaxes(1, 2)


def forward(weights: Weights, sequences: np.ndarray) -> dict[str, np.ndarray]:
    """Return every intermediate value of a batch of sequences int8 [N, 5, 32, 492, 2].

    "layerN_attention.logits" are in octaves: the logarithm to base 2 of the softmax's numerators.
    "classify" is [N, 1, 11].
    """
    values = {"patches": dequantise(patches(sequences))}
    x = values["embed"] = linear(values["patches"], weights, "embed") + weights["position"]
    for layer in range(LAYERS):
        source, to = f"layer{layer}.", f"layer{layer}_"
        normed = values[to + "norm1"] = layernorm(x, weights, source + "norm1")
        for name in ("query", "key", "value"):
            values[to + name] = linear(normed, weights, source + name)
        q, k, v = (_heads(values[to + name]) for name in ("query", "key", "value"))
        logits = q @ k.swapaxes(-1, -2) / np.float32(np.sqrt(HEAD_DIM))
        values[to + "attention.logits"] = logits * np.float32(np.log2(np.e))
        e = np.exp(logits - logits.max(-1, keepdims=True))
        attended = e / e.sum(-1, keepdims=True) @ v
        values[to + "attention"] = attended.swapaxes(1, 2).reshape(-1, TOKENS, WIDTH)
        values[to + "project"] = linear(values[to + "attention"], weights, source + "project")
        x = values[to + "join1"] = x + values[to + "project"]
        values[to + "norm2"] = layernorm(x, weights, source + "norm2")
        values[to + "expand.linear"] = linear(values[to + "norm2"], weights, source + "expand")
        values[to + "expand"] = gelu(values[to + "expand.linear"])
        values[to + "reduce"] = linear(values[to + "expand"], weights, source + "reduce")
        x = values[to + "join2"] = x + values[to + "reduce"]
    values["norm"] = layernorm(x, weights, "norm")
    values["pool"] = values["norm"].mean(1, keepdims=True)
    values["classify"] = values["pool"] @ weights["classify.weight"].T
    return values


def classes(weights: Weights, sequences: np.ndarray) -> np.ndarray:
    """Return the gesture [N] that the network sees in each sequence int8 [N, 5, 32, 492, 2]."""
    return forward(weights, sequences)["classify"][:, -1].argmax(-1)
