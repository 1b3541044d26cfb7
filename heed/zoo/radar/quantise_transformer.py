"""The Transformer in integers for the cores: `heed.zoo.encoder` says how.

The patches are int8 with the zero point -128, which folds into the parameters of `embed`.
"""

import numpy as np

from heed.zoo import fixed_point as fx
from heed.zoo.encoder import EncoderQuantiser, Sizes
from heed.zoo.radar.layers import INPUT_SCALE, INPUT_ZERO, Weights
from heed.zoo.radar.transformer import HEADS, LAYERS, NAME, PATCH_SIZE, TOKENS, WIDTH
from sw_model.graph import Graph


def quantise(weights: Weights, seen: dict[str, np.ndarray]) -> Graph:
    """Return the int8 graph of the trained network: "patches" int8 [60, 2624] to "classify".

    Parameters
    ----------
    weights
        Float parameters; see `transformer.parameter_shapes`.
    seen
        What `transformer.forward` gives for the calibration sequences.
    """
    build = EncoderQuantiser(weights, seen, Sizes(TOKENS, WIDTH, HEADS), fx.core_entry)
    build.tensor("patches", (TOKENS, PATCH_SIZE), "int8", INPUT_SCALE, INPUT_ZERO)
    build.embed("linear", "patches", "residual", transposed=0)
    stream = "embed"
    for layer in range(LAYERS):
        stream = build.layer(f"layer{layer}", stream)
    build.norm("norm", "norm", stream)
    build.pool("pool", "norm")
    build.classify("classify", "pool")
    return Graph(f"radar_{NAME}", build.tensors, build.nodes, ("patches",), ("classify",))
