"""What post-training quantisation of any network builds on: a graph that grows node by node."""

from collections.abc import Callable

import numpy as np

from heed.zoo import fixed_point as fx
from sw_model.graph import Node, Tensor

INT16_HEADROOM = 1.5  # of the calibrated range, for inputs that go beyond it

MakeEntry = Callable[..., dict[str, np.ndarray]]


class Quantiser:
    """Grows an integer graph; knows what the integers of each tensor stand for.

    A real value is `scale * (q - zero)`. A scale is a number, or an array with one step a channel.

    Parameters
    ----------
    weights
        Float parameters by name; matrices are [outputs, inputs].
    seen
        Every intermediate value of the float network on calibration data, channels last.
    entry
        Makes the requantisations of results of 8 bits: `fixed_point.entry`, or `core_entry` where
        the network is to run on the cores.
    """

    def __init__(
        self,
        weights: dict[str, np.ndarray],
        seen: dict[str, np.ndarray],
        entry: MakeEntry = fx.entry,
    ):
        self.weights = {name: value.astype(np.float64) for name, value in weights.items()}
        self.seen = seen
        self.entry = entry
        self.scale: dict[str, float | np.ndarray] = {}
        self.zero: dict[str, int] = {}
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []

    def tensor(self, name: str, shape: tuple[int, ...], dtype: str, scale, zero: int = 0) -> None:
        """Add a tensor and what its integers stand for."""
        self.tensors[name] = Tensor(name, shape, dtype)
        self.scale[name], self.zero[name] = scale, zero

    def node(self, op: str, name: str, inputs: tuple[str, ...], constants, **attrs) -> None:
        """Add the node that makes the tensor of its name."""
        self.nodes.append(Node(name, op, inputs, (name,), constants, attrs))

    def peak(self, name: str, *, channels: bool = False) -> np.ndarray:
        """Return the largest calibrated magnitude of a value, one for all or one a channel."""
        value = np.abs(self.seen[name])
        axis = tuple(range(value.ndim - 1)) if channels else None
        return fx.ceil_scale(np.maximum(value.max(axis=axis), 1e-6))

    def int16_scale(self, name: str) -> float:
        """Return the step of a value in int16."""
        return float(self.peak(name)) * INT16_HEADROOM / 32767

    def product(
        self, x: str, source: str, dtype: str, scale, offset: float = 0.0, bias: bool = True
    ) -> dict[str, np.ndarray]:
        """Return weight and entries of a product with a tensor.

        Parameters
        ----------
        x
            Name of the tensor. Its scales fold into the weights, its zero point into `add`.
        source
            "<source>.weight" [outputs, ..., inputs] and "<source>.bias" are the parameters.
        dtype, scale
            Of the result; one step or one a channel.
        offset
            Zero point of the result.
        bias
            Whether there is one.
        """
        folded = self.weights[f"{source}.weight"] * self.scale[x]
        weight, weight_scale = fx.symmetric_weight(folded.reshape(len(folded), -1))
        real = self.weights[f"{source}.bias"] if bias else np.zeros(len(weight))
        make = self.entry if dtype in ("int8", "uint8") else fx.entry
        constants = make(weight_scale / scale, real / scale + offset)
        mass = weight.sum(axis=1, dtype=np.int64)
        constants["add"] = constants["add"] - constants["mul"] * (self.zero[x] * mass)
        return {"weight": weight.reshape(folded.shape), **constants}

    def linear(
        self,
        name: str,
        source: str,
        x: str,
        dtype: str,
        scale,
        *,
        offset: float = 0.0,
        transposed: bool = False,
        **extra: np.ndarray,
    ) -> None:
        """Add a linear layer.

        Parameters
        ----------
        name
            Of node and result.
        source, x, dtype, scale, offset
            As in `product`; the offset comes before a table.
        transposed
            Whether channels are rows.
        extra
            More constants.
        """
        constants = self.product(x, source, dtype, scale, offset)
        rows, width = self.tensors[x].shape[0], len(constants["weight"])
        self.tensor(name, (width, rows) if transposed else (rows, width), dtype, scale)
        if "table" not in extra:
            self.zero[name] = int(offset)
        self.node("linear", name, (x,), constants | extra, transposed=int(transposed))
