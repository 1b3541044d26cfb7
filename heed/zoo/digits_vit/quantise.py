"""Post-training quantisation: float weights and calibration images become an integer graph.

Linear weights are symmetric int8, one scale an output channel. The residual stream and the
results that join it are int16. LayerNorm outputs carry a power-of-two scale a channel, values one
a head; both fold into the next weights. The hidden activations after GELU use the whole int8
range, zero point and bias folded into `add`. Logits get a step and a zero point a head.
"""

import numpy as np

from heed.zoo.digits_vit import fixed_point as fx
from heed.zoo.digits_vit.architecture import (
    HEAD_DIM,
    HEADS,
    HIDDEN,
    IMAGE,
    LAYERS,
    PATCH,
    PIXEL_MAX,
    TOKENS,
    WIDTH,
    Weights,
    forward,
    gelu,
)
from sw_model.graph import Graph, Node, Tensor
from sw_model.ops.layernorm import FRACTION

#: Pixels 0..16 are -120..120, exactly: step 15 around the middle.
PIXEL_STEP = 15
PIXEL_SCALE = 2 / (PIXEL_MAX * PIXEL_STEP)

INT16_HEADROOM = 1.5  # of the calibrated range, for images that go beyond it
GELU_WINDOW = -3.0  # below, GELU is nearly 0
NORM_SHIFTS = 4  # largest power-of-two exponent of a LayerNorm channel
NORM_MAX_SHIFT = 23
SOFTMAX_OCTAVES = 9  # distance from the row maximum at which the exponential is 0


def quantise(weights: Weights, images: np.ndarray) -> Graph:
    """Return the int8 graph of a trained network.

    Parameters
    ----------
    weights
        Float parameters; see `architecture.parameter_shapes`.
    images
        Calibration images uint8 [N, 8, 8], pixels 0..16.
    """
    return _Quantiser(weights, images).graph()


class _Quantiser:
    """Builds the graph node by node; `scale` holds the real step of each tensor so far.

    A scale is a number, or an array with one step a channel.
    """

    def __init__(self, weights: Weights, images: np.ndarray):
        self.weights = {name: value.astype(np.float64) for name, value in weights.items()}
        self.seen = forward(weights, images)
        self.scale: dict[str, float | np.ndarray] = {}
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def graph(self) -> Graph:
        self._tensor("image", (IMAGE, IMAGE), "int8", PIXEL_SCALE)
        self._embed()
        stream = "embed"
        for layer in range(LAYERS):
            stream = self._layer(f"layer{layer}", stream)
        self._norm("norm", "norm", stream)
        self._pool()
        self._classify()
        return Graph("digits_vit", self.tensors, self.nodes, ("image",), ("classify",))

    def _tensor(self, name: str, shape: tuple[int, ...], dtype: str, scale) -> None:
        self.tensors[name] = Tensor(name, shape, dtype)
        self.scale[name] = scale

    def _node(self, op: str, name: str, inputs: tuple[str, ...], constants, **attrs) -> None:
        self.nodes.append(Node(name, op, inputs, (name,), constants, attrs))

    def _peak(self, name: str, axis=None) -> np.ndarray:
        """Return the largest calibrated magnitude of a value, one for all or along an axis."""
        return fx.ceil_scale(np.maximum(np.abs(self.seen[name]).max(axis=axis), 1e-6))

    def _int16_scale(self, name: str) -> float:
        return float(self._peak(name)) * INT16_HEADROOM / 32767

    def _embed(self) -> None:
        scale = self._int16_scale("embed")
        weight, weight_scale = fx.symmetric_weight(self.weights["embed.weight"])
        position = self.weights["position"]
        position_scale = float(fx.ceil_scale(np.abs(position).max())) / 32767
        constants = fx.residual_entry(
            weight_scale * self.scale["image"] / scale,
            position_scale / scale,
            self.weights["embed.bias"] / scale,
        )
        constants["weight"] = weight
        constants["position"] = fx.round_half_up(position / position_scale).astype(np.int16)
        self._tensor("embed", (TOKENS, WIDTH), "int16", scale)
        self._node("patch_embed", "embed", ("image",), constants, patch=PATCH)

    def _layer(self, layer: str, stream: str) -> str:
        """Add an encoder layer after the residual stream; return the stream's new name."""
        self._norm(f"{layer}_norm1", f"{layer}.norm1", stream)
        for name in ("query", "key", "value"):
            per_head = self._peak(f"{layer}_{name}", axis=(0, 1)).reshape(HEADS, HEAD_DIM).max(1)
            scale = np.repeat(per_head, HEAD_DIM) / 127
            self._linear(layer, name, "norm1", WIDTH, "int8", scale, transposed=name == "value")
        self._attention(layer)
        project = self._int16_scale(f"{layer}_project")
        self._linear(layer, "project", "attention", WIDTH, "int16", project)
        self._join(f"{layer}_join1", f"{layer}_project", stream)

        self._norm(f"{layer}_norm2", f"{layer}.norm2", f"{layer}_join1")
        self._expand(layer)
        reduce = self._int16_scale(f"{layer}_reduce")
        self._linear(layer, "reduce", "expand", WIDTH, "int16", reduce, zero=self.gelu_zero)
        self._join(f"{layer}_join2", f"{layer}_reduce", f"{layer}_join1")
        return f"{layer}_join2"

    def _norm(self, name: str, source: str, x: str) -> None:
        """LayerNorm; a channel whose range is small takes a finer step, 2^-k of the largest."""
        peak = self._peak(name, axis=(0, 1))
        _, exponent = np.frexp(peak.max() / peak)
        scale = peak.max() / 127 / 2.0 ** np.minimum(exponent - 1, NORM_SHIFTS)
        gamma, beta = self.weights[f"{source}.weight"], self.weights[f"{source}.bias"]
        factor = gamma / (scale * 2**FRACTION)
        self._tensor(name, (TOKENS, WIDTH), "int8", scale)
        self._node("layernorm", name, (x,), fx.entry(factor, beta / scale, NORM_MAX_SHIFT))

    def _linear(
        self,
        layer: str,
        name: str,
        x: str,
        width: int,
        dtype: str,
        scale,
        *,
        zero: int = 0,
        offset: float = 0.0,
        transposed: bool = False,
        **extra,
    ) -> None:
        """Add a linear layer.

        Parameters
        ----------
        scale
            Step of the result, one or one a channel.
        zero
            Zero point of the input.
        offset
            Zero point of the result (before a table).
        extra
            More constants.
        """
        x, node = f"{layer}_{x}", f"{layer}_{name}"
        folded = self.weights[f"{layer}.{name}.weight"] * self.scale[x]
        weight, weight_scale = fx.symmetric_weight(folded)
        bias = self.weights[f"{layer}.{name}.bias"] / scale + offset
        constants = fx.entry(weight_scale / scale, bias)
        mass = weight.sum(axis=1, dtype=np.int64)
        constants["add"] = constants["add"] - constants["mul"] * (zero * mass)
        shape = (width, TOKENS) if transposed else (TOKENS, width)
        self._tensor(node, shape, dtype, scale)
        constants = {"weight": weight, **constants, **extra}
        self._node("linear", node, (x,), constants, transposed=int(transposed))

    def _attention(self, layer: str) -> None:
        node = f"{layer}_attention"
        logits = self.seen[f"{node}.logits"]  # octaves [N, heads, rows, keys]
        top = logits.max(axis=(0, 2, 3))
        top = np.sign(top) * fx.ceil_scale(np.abs(top))
        # What counts reaches from the top down to where the lowest row's exponential ends.
        lowest = logits.max(axis=-1).min(axis=(0, 2)) - SOFTMAX_OCTAVES
        span = top - np.maximum(lowest, logits.min(axis=(0, 2, 3)))
        j = np.clip(np.floor(np.log2(255 / span)), 1, 5).astype(np.int8)
        per_head = [self.scale[f"{layer}_{name}"][::HEAD_DIM] for name in ("query", "key")]
        octaves = per_head[0] * per_head[1] * np.log2(np.e) / np.sqrt(HEAD_DIM)
        step = 2.0 ** j.astype(np.int64)
        constants = fx.entry(octaves * step, 127 - top * step)
        value = self.scale[f"{layer}_value"]
        peak = self._peak(node, axis=(0, 1)).reshape(HEADS, HEAD_DIM).max(1)
        g = (peak <= 63 * value[::HEAD_DIM]).astype(np.int8)
        self._tensor(node, (TOKENS, WIDTH), "int8", value / 2.0 ** np.repeat(g, HEAD_DIM))
        self._node(
            "attention",
            node,
            tuple(f"{layer}_{name}" for name in ("query", "key", "value")),
            constants | {"j": j, "g": g},
            heads=HEADS,
            head_dim=HEAD_DIM,
            kv_len=TOKENS,
            mask="none",
            mask_offset=0,
        )

    def _expand(self, layer: str) -> None:
        """The first layer of the feed-forward part, with GELU as its table."""
        top = float(fx.ceil_scale(max(self.seen[f"{layer}_expand.linear"].max(), 1.0)))
        scale_in = (top - GELU_WINDOW) / 255
        zero_in = int(fx.round_half_up(-128 - GELU_WINDOW / scale_in))
        y = gelu((np.arange(-128, 128) - zero_in) * scale_in)
        scale_out = float(fx.ceil_scale(y.max() - y.min())) / 255
        self.gelu_zero = int(fx.round_half_up(-128 - y.min() / scale_out))
        table = np.clip(fx.round_half_up(y / scale_out) + self.gelu_zero, -128, 127)
        self._linear(
            layer,
            "expand",
            "norm2",
            HIDDEN,
            "int8",
            scale_in,
            offset=zero_in,
            table=table.astype(np.int8),
        )
        self.scale[f"{layer}_expand"] = scale_out

    def _join(self, name: str, a: str, b: str) -> None:
        scale = self._int16_scale(name)
        constants = fx.residual_entry(self.scale[a] / scale, self.scale[b] / scale)
        self._tensor(name, (TOKENS, WIDTH), "int16", scale)
        self._node("add", name, (a, b), constants)

    def _pool(self) -> None:
        """Mean over the tokens; the channels keep the ratio of their steps."""
        steps = self.scale["norm"]
        gain = float(fx.ceil_scale((self._peak("pool", axis=(0, 1)) / steps).max())) / 127
        self._tensor("pool", (1, WIDTH), "int8", steps * gain)
        self._node("mean_pool", "pool", ("norm",), fx.entry(1 / (TOKENS * gain)))

    def _classify(self) -> None:
        """Raw accumulators, so one weight scale: the largest logit must win."""
        folded = self.weights["classify.weight"] * self.scale["pool"]
        weight, scale = fx.symmetric_weight(folded, per_channel=False)
        self._tensor("classify", (1, len(weight)), "int32", float(scale))
        self._node("linear", "classify", ("pool",), {"weight": weight}, transposed=0)
