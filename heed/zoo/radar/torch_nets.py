"""Both networks in PyTorch, for training. Needs the `train` extra."""

from math import prod

import torch
from torch.nn import functional as F

from heed.zoo.radar import cnn_tcn, transformer
from heed.zoo.radar.frames import FRAMES, SWEEPS
from heed.zoo.radar.layers import INPUT_SCALE, INPUT_ZERO
from heed.zoo.radar.physics import RADAR

Parameters = dict[str, torch.Tensor]

MOMENTUM, EPSILON = 0.1, 1e-5


def initial(shapes: dict[str, tuple[int, ...]], generator: torch.Generator) -> Parameters:
    """Return parameters drawn by chance; matrices with the deviation that keeps ReLU's scale."""
    parameters = {}
    for name, shape in shapes.items():
        if name.endswith("bias"):
            value = torch.zeros(shape)
        elif len(shape) == 1:
            value = torch.ones(shape)
        else:
            spread = 0.02 if name == "position" else prod(shape[1:]) ** -0.5
            value = torch.randn(shape, generator=generator) * spread
        parameters[name] = value.requires_grad_()
    return parameters


def dequantise(sequences: torch.Tensor) -> torch.Tensor:
    """Return int8 frames as real numbers."""
    return (sequences.float() - INPUT_ZERO) * INPUT_SCALE


class Statistics:
    """Running mean and variance of every convolution's channels, for batch normalisation.

    The normalisation follows the max pool and has a shift but no gain, so its scale is positive and
    it can be moved before the pool and into the convolution.
    """

    def __init__(self) -> None:
        self.mean = {layer.name: torch.zeros(layer.outputs) for layer in cnn_tcn.CONVS}
        self.variance = {layer.name: torch.ones(layer.outputs) for layer in cnn_tcn.CONVS}

    def normalise(self, x: torch.Tensor, name: str) -> torch.Tensor:
        """Return [N, C, H, W] normalised by the batch's own statistics; note them."""
        return F.batch_norm(
            x, self.mean[name], self.variance[name], None, None, True, MOMENTUM, EPSILON
        )

    def fold(self, parameters: Parameters) -> Parameters:
        """Return parameters of the same network without normalisation."""
        folded = {name: value.detach().clone() for name, value in parameters.items()}
        for name, mean in self.mean.items():
            scale = (self.variance[name] + EPSILON).rsqrt()
            folded[f"{name}.weight"] *= scale[:, None, None, None]
            folded[f"{name}.bias"] -= mean * scale
        return folded


def cnn_tcn_forward(
    p: Parameters,
    sequences: torch.Tensor,
    statistics: Statistics | None = None,
    dropout: float = 0.0,
) -> torch.Tensor:
    """Return logits [N, 5, 11] of sequences int8 [N, 5, 32, 492, 2].

    With statistics the convolutions are normalised, as in training.
    """
    x = dequantise(sequences).reshape(-1, SWEEPS, RADAR.bins, len(RADAR.sensors))
    x = x.permute(0, 3, 1, 2)
    for layer in cnn_tcn.CONVS:
        weight = p[f"{layer.name}.weight"].permute(0, 3, 1, 2)
        x = F.conv2d(x, weight, padding=(layer.kernel[0] // 2, layer.kernel[1] // 2))
        x = F.max_pool2d(x, layer.pool)
        if statistics:
            x = statistics.normalise(x, layer.name)
        x = F.relu(x + p[f"{layer.name}.bias"][:, None, None])
    x = x.permute(0, 2, 3, 1).reshape(len(sequences), FRAMES, -1)
    x = F.linear(F.dropout(x, dropout, dropout > 0), p["reduce.weight"], p["reduce.bias"])
    for block, dilation in enumerate(cnn_tcn.DILATIONS):
        weight = p[f"tcn{block}.weight"].permute(0, 2, 1)
        back = F.pad(x.transpose(1, 2), ((cnn_tcn.TAPS - 1) * dilation, 0))
        y = F.conv1d(back, weight, p[f"tcn{block}.bias"], dilation=dilation)
        x = x + F.relu(y.transpose(1, 2))
    x = F.relu(F.linear(x, p["dense1.weight"], p["dense1.bias"]))
    x = F.relu(F.linear(x, p["dense2.weight"], p["dense2.bias"]))
    return F.linear(x, p["classify.weight"], p["classify.bias"])


def transformer_forward(
    p: Parameters, sequences: torch.Tensor, dropout: float = 0.0
) -> torch.Tensor:
    """Return logits [N, 1, 11] of sequences int8 [N, 5, 32, 492, 2]."""
    t = transformer

    def linear(x, name):
        return F.linear(x, p[name + ".weight"], p[name + ".bias"])

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"])

    def heads(x):
        return x.reshape(len(x), t.TOKENS, t.HEADS, t.HEAD_DIM).transpose(1, 2)

    def drop(x):
        return F.dropout(x, dropout, dropout > 0)

    shape = (-1, FRAMES, SWEEPS, t.TOKENS_A_FRAME, t.PATCH, len(RADAR.sensors))
    cut = dequantise(sequences).reshape(shape).transpose(2, 3)
    x = drop(linear(cut.reshape(-1, t.TOKENS, t.PATCH_SIZE), "embed") + p["position"])
    for layer in range(t.LAYERS):
        at = f"layer{layer}."
        normed = norm(x, at + "norm1")
        q, k, v = (heads(linear(normed, at + name)) for name in ("query", "key", "value"))
        attended = torch.softmax(q @ k.transpose(-1, -2) * t.HEAD_DIM**-0.5, -1) @ v
        x = x + drop(linear(attended.transpose(1, 2).reshape(x.shape), at + "project"))
        hidden = F.gelu(linear(norm(x, at + "norm2"), at + "expand"), approximate="tanh")
        x = x + drop(linear(hidden, at + "reduce"))
    return F.linear(norm(x, "norm").mean(1, keepdim=True), p["classify.weight"])


FORWARDS = {cnn_tcn.NAME: cnn_tcn_forward, transformer.NAME: transformer_forward}
