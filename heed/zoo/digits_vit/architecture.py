"""The network in float: sizes, parameter names and a numpy forward pass.

A pre-LayerNorm vision Transformer: 2x2 patches, learned positions, encoder layers, a final
LayerNorm, the mean over the tokens and a classifier without bias.
"""

import numpy as np

IMAGE = 8
PATCH = 2
TOKENS = (IMAGE // PATCH) ** 2
WIDTH = 48
HEADS = 3
HEAD_DIM = WIDTH // HEADS
HIDDEN = 96
LAYERS = 2
CLASSES = 10
PIXEL_MAX = 16

Weights = dict[str, np.ndarray]


def parameter_shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of every float parameter; matrices are [outputs, inputs]."""
    shapes: dict[str, tuple[int, ...]] = {
        "embed.weight": (WIDTH, PATCH * PATCH),
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


def normalise_pixels(images: np.ndarray) -> np.ndarray:
    """Return pixels of 0..16 as -1..1, what the network is trained on."""
    return np.asarray(images, np.float64) / (PIXEL_MAX / 2) - 1


def gelu(x: np.ndarray) -> np.ndarray:
    """Return the tanh form of GELU."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _layernorm(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _linear(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _heads(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), TOKENS, HEADS, HEAD_DIM).swapaxes(1, 2)


def forward(weights: Weights, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return every intermediate value of a batch of images [N, 8, 8], pixels 0..16.

    The names are those of the integer graph's tensors; "layerN_attention.logits" are in octaves:
    the logarithm to base 2 of the softmax's numerators.
    """
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    pixels = normalise_pixels(images)
    side = IMAGE // PATCH
    cut = pixels.reshape(-1, side, PATCH, side, PATCH).swapaxes(2, 3)
    cut = cut.reshape(-1, TOKENS, PATCH * PATCH)
    values = {"image": pixels, "embed": _linear(cut, weights, "embed") + weights["position"]}
    x = values["embed"]
    for layer in range(LAYERS):
        source, to = f"layer{layer}.", f"layer{layer}_"
        normed = values[to + "norm1"] = _layernorm(x, weights, source + "norm1")
        for name in ("query", "key", "value"):
            values[to + name] = _linear(normed, weights, source + name)
        q, k, v = (_heads(values[to + name]) for name in ("query", "key", "value"))
        logits = q @ k.swapaxes(-1, -2) / np.sqrt(HEAD_DIM)
        values[to + "attention.logits"] = logits * np.log2(np.e)
        e = np.exp(logits - logits.max(-1, keepdims=True))
        attended = e / e.sum(-1, keepdims=True) @ v
        values[to + "attention"] = attended.swapaxes(1, 2).reshape(-1, TOKENS, WIDTH)
        values[to + "project"] = _linear(values[to + "attention"], weights, source + "project")
        x = values[to + "join1"] = x + values[to + "project"]
        values[to + "norm2"] = _layernorm(x, weights, source + "norm2")
        expanded = _linear(values[to + "norm2"], weights, source + "expand")
        values[to + "expand"] = gelu(expanded)
        values[to + "expand.linear"] = expanded
        values[to + "reduce"] = _linear(values[to + "expand"], weights, source + "reduce")
        x = values[to + "join2"] = x + values[to + "reduce"]
    values["norm"] = _layernorm(x, weights, "norm")
    values["pool"] = values["norm"].mean(1, keepdims=True)
    values["classify"] = values["pool"] @ weights["classify.weight"].T
    return values
