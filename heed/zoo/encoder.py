"""Post-training quantisation of Transformer encoders whose LayerNorm comes first.

The residual stream and the results that join it are int16. LayerNorm outputs carry a power-of-two
scale a channel, values one a head; both fold into the next weights. The hidden activations after
GELU use the whole int8 range. Logits get a step and a zero point a head.
"""

from dataclasses import dataclass

import numpy as np

from heed.zoo import fixed_point as fx
from heed.zoo.quantiser import MakeEntry, Quantiser
from sw_model.ops.layernorm import FRACTION

GELU_WINDOW = -3.0  # below, GELU is nearly 0
NORM_SHIFTS = 4  # largest power-of-two exponent of a LayerNorm channel
NORM_MAX_SHIFT = 23
SOFTMAX_OCTAVES = 9  # distance from the row maximum at which the exponential is 0


def gelu(x: np.ndarray) -> np.ndarray:
    """Return the tanh form of GELU."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@dataclass(frozen=True)
class Sizes:
    """Sizes of an encoder: rows, channels, heads."""

    tokens: int
    width: int
    heads: int

    @property
    def head_dim(self) -> int:
        """Channels of a head."""
        return self.width // self.heads


class EncoderQuantiser(Quantiser):
    """Grows the graph of an encoder.

    Layer "layerN" has the parameters "layerN.norm1", "layerN.query" and so on, and its values are
    "layerN_norm1", "layerN_query"; "layerN_attention.logits" are in octaves.

    Parameters
    ----------
    weights, seen, entry
        As for `Quantiser`.
    sizes
        Of the encoder.
    """

    def __init__(self, weights, seen, sizes: Sizes, entry: MakeEntry = fx.entry):
        super().__init__(weights, seen, entry)
        self.sizes = sizes

    def embed(self, op: str, x: str, residual: str, **attrs: int) -> None:
        """Add "embed": a product plus the learned positions, to int16.

        Parameters
        ----------
        op
            The node's, which takes the positions as its constant `residual`.
        x
            What it reads.
        """
        scale = self.int16_scale("embed")
        weight, weight_scale = fx.symmetric_weight(self.weights["embed.weight"])
        position = self.weights["position"]
        position_scale = float(fx.ceil_scale(np.abs(position).max())) / 32767
        constants = fx.residual_entry(
            weight_scale * self.scale[x] / scale,
            position_scale / scale,
            self.weights["embed.bias"] / scale,
        )
        mass = weight.sum(axis=1, dtype=np.int64)
        constants["add"] = constants["add"] - constants["mul"] * (self.zero[x] * mass)
        constants["weight"] = weight
        constants[residual] = fx.round_half_up(position / position_scale).astype(np.int16)
        self.tensor("embed", (self.sizes.tokens, self.sizes.width), "int16", scale)
        self.node(op, "embed", (x,), constants, **attrs)

    def layer(self, layer: str, stream: str) -> str:
        """Add an encoder layer after the residual stream; return the stream's new name."""
        heads, size = self.sizes.heads, self.sizes.head_dim
        self.norm(f"{layer}_norm1", f"{layer}.norm1", stream)
        for name in ("query", "key", "value"):
            per_head = self.peak(f"{layer}_{name}", channels=True).reshape(heads, size).max(1)
            scale = np.repeat(per_head, size) / 127
            self._part(layer, name, "norm1", "int8", scale, transposed=name == "value")
        self.attention(layer)
        self._part(layer, "project", "attention", "int16", self.int16_scale(f"{layer}_project"))
        self.join(f"{layer}_join1", f"{layer}_project", stream)

        self.norm(f"{layer}_norm2", f"{layer}.norm2", f"{layer}_join1")
        self._expand(layer)
        self._part(layer, "reduce", "expand", "int16", self.int16_scale(f"{layer}_reduce"))
        self.join(f"{layer}_join2", f"{layer}_reduce", f"{layer}_join1")
        return f"{layer}_join2"

    def _part(self, layer: str, name: str, x: str, dtype: str, scale, **options) -> None:
        source = f"{layer}.{name}"
        self.linear(f"{layer}_{name}", source, f"{layer}_{x}", dtype, scale, **options)

    def norm(self, name: str, source: str, x: str) -> None:
        """Add LayerNorm; a channel of small range takes a finer step, 2^-k of the largest."""
        peak = self.peak(name, channels=True)
        _, exponent = np.frexp(peak.max() / peak)
        scale = peak.max() / 127 / 2.0 ** np.minimum(exponent - 1, NORM_SHIFTS)
        gamma, beta = self.weights[f"{source}.weight"], self.weights[f"{source}.bias"]
        factor = gamma / (scale * 2**FRACTION)
        self.tensor(name, self.tensors[x].shape, "int8", scale)
        self.node("layernorm", name, (x,), fx.entry(factor, beta / scale, NORM_MAX_SHIFT))

    def attention(self, layer: str) -> None:
        """Add attention of a layer's query, key and value."""
        node, heads, size = f"{layer}_attention", self.sizes.heads, self.sizes.head_dim
        logits = self.seen[f"{node}.logits"]  # octaves [N, heads, rows, keys]
        top = logits.max(axis=(0, 2, 3))
        top = np.sign(top) * fx.ceil_scale(np.abs(top))
        # What counts reaches from the top down to where the lowest row's exponential ends.
        lowest = logits.max(axis=-1).min(axis=(0, 2)) - SOFTMAX_OCTAVES
        span = top - np.maximum(lowest, logits.min(axis=(0, 2, 3)))
        j = np.clip(np.floor(np.log2(255 / span)), 1, 5).astype(np.int8)
        per_head = [self.scale[f"{layer}_{name}"][::size] for name in ("query", "key")]
        octaves = per_head[0] * per_head[1] * np.log2(np.e) / np.sqrt(size)
        step = 2.0 ** j.astype(np.int64)
        constants = self.entry(octaves * step, 127 - top * step)
        value = self.scale[f"{layer}_value"]
        peak = self.peak(node, channels=True).reshape(heads, size).max(1)
        g = (peak <= 63 * value[::size]).astype(np.int8)
        shape = self.tensors[f"{layer}_query"].shape
        self.tensor(node, shape, "int8", value / 2.0 ** np.repeat(g, size))
        self.node(
            "attention",
            node,
            tuple(f"{layer}_{name}" for name in ("query", "key", "value")),
            constants | {"j": j, "g": g},
            heads=heads,
            head_dim=size,
            kv_len=shape[0],
            mask="none",
            mask_offset=0,
        )

    def _expand(self, layer: str) -> None:
        """Add the first layer of the feed-forward part, with GELU as its table."""
        top = float(fx.ceil_scale(max(self.seen[f"{layer}_expand.linear"].max(), 1.0)))
        scale_in = (top - GELU_WINDOW) / 255
        zero_in = int(fx.round_half_up(-128 - GELU_WINDOW / scale_in))
        y = gelu((np.arange(-128, 128) - zero_in) * scale_in)
        scale_out = float(fx.ceil_scale(y.max() - y.min())) / 255
        zero_out = int(fx.round_half_up(-128 - y.min() / scale_out))
        table = np.clip(fx.round_half_up(y / scale_out) + zero_out, -128, 127).astype(np.int8)
        self._part(layer, "expand", "norm2", "int8", scale_in, offset=zero_in, table=table)
        self.scale[f"{layer}_expand"], self.zero[f"{layer}_expand"] = scale_out, zero_out

    def join(self, name: str, a: str, b: str) -> None:
        """Add the sum of two int16 tensors."""
        scale = self.int16_scale(name)
        constants = fx.residual_entry(self.scale[a] / scale, self.scale[b] / scale)
        self.tensor(name, self.tensors[a].shape, "int16", scale)
        self.node("add", name, (a, b), constants)

    def pool(self, name: str, x: str) -> None:
        """Add the mean over the tokens; the channels keep the ratio of their steps."""
        steps = self.scale[x]
        gain = float(fx.ceil_scale((self.peak(name, channels=True) / steps).max())) / 127
        self.tensor(name, (1, self.sizes.width), "int8", steps * gain)
        self.node("mean_pool", name, (x,), fx.entry(1 / (self.sizes.tokens * gain)))

    def classify(self, name: str, x: str) -> None:
        """Add raw accumulators, so one weight scale: the largest logit must win."""
        folded = self.weights[f"{name}.weight"] * self.scale[x]
        weight, scale = fx.symmetric_weight(folded, per_channel=False)
        self.tensor(name, (1, len(weight)), "int32", float(scale))
        self.node("linear", name, (x,), {"weight": weight}, transposed=0)
