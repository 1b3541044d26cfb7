"""Post-training quantisation: float weights and calibration images become an integer graph.

`heed.zoo.encoder` says how the encoder is quantised. Pixels become int8 exactly.
"""

import numpy as np

from heed.zoo.digits_vit.architecture import (
    HEADS,
    IMAGE,
    LAYERS,
    PATCH,
    PIXEL_MAX,
    TOKENS,
    WIDTH,
    Weights,
    forward,
)
from heed.zoo.encoder import EncoderQuantiser, Sizes
from sw_model.graph import Graph

#: Pixels 0..16 are -120..120, exactly: step 15 around the middle.
PIXEL_STEP = 15
PIXEL_SCALE = 2 / (PIXEL_MAX * PIXEL_STEP)


def quantise(weights: Weights, images: np.ndarray) -> Graph:
    """Return the int8 graph of a trained network.

    Parameters
    ----------
    weights
        Float parameters; see `architecture.parameter_shapes`.
    images
        Calibration images uint8 [N, 8, 8], pixels 0..16.
    """
    build = EncoderQuantiser(weights, forward(weights, images), Sizes(TOKENS, WIDTH, HEADS))
    build.tensor("image", (IMAGE, IMAGE), "int8", PIXEL_SCALE)
    build.embed("patch_embed", "image", "position", patch=PATCH)
    stream = "embed"
    for layer in range(LAYERS):
        stream = build.layer(f"layer{layer}", stream)
    build.norm("norm", "norm", stream)
    build.pool("pool", "norm")
    build.classify("classify", "pool")
    return Graph("digits_vit", build.tensors, build.nodes, ("image",), ("classify",))
