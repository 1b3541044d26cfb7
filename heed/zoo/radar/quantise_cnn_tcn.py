"""The CNN and TCN in integers for the cores.

Results of a ReLU start at the lowest integer, so its clip is the ReLU. Results of convolutions have
a step a channel, which folds into the next weights. The values of the TCN, which have either sign,
use the whole int8 range; zeros before the start are their zero point.
"""

import numpy as np

from heed.zoo import fixed_point as fx
from heed.zoo.quantiser import Quantiser
from heed.zoo.radar.cnn_tcn import CONVS, DILATIONS, NAME, TAPS, Conv
from heed.zoo.radar.frames import FRAMES, SWEEPS
from heed.zoo.radar.layers import INPUT_SCALE, INPUT_ZERO, Weights
from heed.zoo.radar.physics import RADAR
from sw_model.graph import Graph
from sw_model.graph_rules import CONV_PADS, CONV_STEPS, conv_reach

SPREAD = 16  # largest ratio of two channels' steps

_PLAIN = dict.fromkeys(CONV_STEPS, 1) | dict.fromkeys(CONV_PADS, 0) | {"groups": 1}


def quantise(weights: Weights, seen: dict[str, np.ndarray]) -> Graph:
    """Return the int8 graph of the trained network: "frames" int8 [5, 32, 492, 2] to "classify".

    Parameters
    ----------
    weights
        Float parameters; see `cnn_tcn.parameter_shapes`.
    seen
        What `cnn_tcn.forward` gives for the calibration sequences, but the frames.
    """
    return _Quantiser(weights, seen, fx.core_entry).graph()


class _Quantiser(Quantiser):
    def graph(self) -> Graph:
        shape = (FRAMES, SWEEPS, RADAR.bins, len(RADAR.sensors))
        self.tensor("frames", shape, "int8", INPUT_SCALE, INPUT_ZERO)
        x = "frames"
        for layer in CONVS:
            self._conv(layer, x)
            x = layer.name
        *_, height, width, channels = self.tensors[x].shape
        self._view("features", x, (FRAMES, height * width * channels))
        self.scale["features"] = np.tile(self.scale[x], height * width)
        scale, zero = self._whole_range("reduce")
        self.linear("reduce", "reduce", "features", "int8", scale, offset=zero)
        x = "reduce"
        for block, dilation in enumerate(DILATIONS):
            self._block(f"tcn{block}", x, dilation)
            x = f"tcn{block}"
        for name in ("dense1", "dense2"):
            self.linear(name, name, x, "uint8", float(self.peak(name)) / 255)
            x = name
        self.linear("classify", "classify", x, "int16", self.int16_scale("classify"))
        return Graph(f"radar_{NAME}", self.tensors, self.nodes, ("frames",), ("classify",))

    def _view(self, name: str, x: str, shape: tuple[int, ...]) -> None:
        self.tensor(name, shape, self.tensors[x].dtype, self.scale[x], self.zero[x])
        self.node("reshape", name, (x,), {})

    def _whole_range(self, name: str) -> tuple[float, int]:
        """Return (scale, zero point) by which the calibrated range of a value fills int8."""
        low, high = min(self.seen[name].min(), 0.0), max(self.seen[name].max(), 1e-6)
        low, high = -float(fx.ceil_scale(-low)), float(fx.ceil_scale(high))
        scale = (high - low) / 255
        return scale, int(fx.round_half_up(-128 - low / scale))

    def _convolve(self, name: str, x: str, constants, dtype: str, scale, zero, **attrs) -> None:
        """Add a convolution; attributes that are not given are 1 or, for pads, 0."""
        attrs = _PLAIN | attrs
        shape = self.tensors[x].shape
        weight = constants["weight"]
        reach = conv_reach(shape, weight.shape[1:3], attrs)
        self.tensor(name, (shape[0], *reach, len(weight)), dtype, scale, zero)
        self.node("conv2d", name, (x,), constants, pad_value=self.zero[x], **attrs)

    def _conv(self, layer: Conv, x: str) -> None:
        peak = self.peak(layer.name, channels=True)
        scale = np.maximum(peak, peak.max() / SPREAD) / 255
        constants = self.product(x, layer.name, "uint8", scale)
        (kh, kw), (ph, pw) = layer.kernel, layer.pool
        attrs = {"pad_top": kh // 2, "pad_bottom": kh // 2, "pad_left": kw // 2}
        attrs |= {"pad_right": kw // 2, "pool_height": ph, "pool_width": pw}
        self._convolve(layer.name, x, constants, "uint8", scale, 0, **attrs)

    def _block(self, name: str, x: str, dilation: int) -> None:
        """Add a causal convolution with ReLU, and its sum with what it read."""
        frames, channels = self.tensors[x].shape
        time, conv, relu = f"{name}.time", f"{name}.conv", f"{name}.relu"
        self._view(time, x, (1, 1, frames, channels))
        scale = float(self.peak(relu)) / 255
        constants = self.product(time, name, "int8", scale, -128)
        weight = constants["weight"]  # [outputs, taps, inputs]
        constants["weight"] = weight.reshape(len(weight), 1, *weight.shape[1:])
        back = (TAPS - 1) * dilation
        self._convolve(
            conv, time, constants, "int8", scale, -128, dilation_width=dilation, pad_left=back
        )
        self._view(relu, conv, (frames, channels))
        self._sum(name, x, relu)

    def _sum(self, name: str, a: str, b: str) -> None:
        scale, zero = self._whole_range(name)
        factors = [self.scale[term] / scale for term in (a, b)]
        offset = zero - factors[0] * self.zero[a] - factors[1] * self.zero[b]
        self.tensor(name, self.tensors[a].shape, "int8", scale, zero)
        self.node("add", name, (a, b), fx.residual_entry(*factors, offset))
