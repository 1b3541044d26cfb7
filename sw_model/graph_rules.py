"""What each operation of an integer graph asks of its tensors, constants and attributes.

`OPS` is the list; every rule raises ValueError with a message that names the node and the tensor
or constant.
"""

from collections.abc import Callable

import numpy as np

from sw_model.ops import check
from sw_model.ops.layernorm import MAX_CHANNELS
from sw_model.ops.mask import OFFSET_LIMITS
from sw_model.ops.requantise import Entry

_ENTRY = ("mul", "add", "shift")
_RESIDUAL_ENTRY = (*_ENTRY, "rmul", "rsh")


class _View:
    """A node with its tensors, and the questions that rules ask."""

    def __init__(self, node, inputs, outputs):
        self.node, self.inputs, self.outputs = node, inputs, outputs

    def fail(self, text: str):
        raise ValueError(f"node {self.node.name} ({self.node.op}): {text}")

    def tensors(self, inputs: int) -> None:
        for what, have, want in (("inputs", self.inputs, inputs), ("outputs", self.outputs, 1)):
            if len(have) != want:
                self.fail(f"{len(have)} {what}; {want} needed")

    def constants(self, *needed: str, optional: tuple[str, ...] = ()) -> None:
        have = set(self.node.constants)
        for name in needed:
            if name not in have:
                self.fail(f"constant {name} is missing")
        for name in sorted(have - set(needed) - set(optional)):
            self.fail(f"constant {name} means nothing here")

    def attrs(self, words: dict[str, tuple[str, ...]] | None = None, **numbers) -> None:
        """Check that exactly these attributes are there: words of a set, numbers of a range."""
        words = words or {}
        have = self.node.attrs
        for name in have:
            if name not in words and name not in numbers:
                self.fail(f"attribute {name} means nothing here")
        for name, allowed in words.items():
            if have.get(name) not in allowed:
                self.fail(f"attribute {name} is {have.get(name)!r}; allowed: {', '.join(allowed)}")
        for name, (low, high) in numbers.items():
            value = have.get(name)
            if not isinstance(value, int) or not low <= value <= high:
                self.fail(f"attribute {name} is {value!r}; allowed is {low} to {high}")

    def dtype(self, tensor, *allowed: str) -> None:
        if tensor.dtype not in allowed:
            self.fail(f"tensor {tensor.name} is {tensor.dtype}; allowed: {', '.join(allowed)}")

    def matrices(self, *tensors) -> None:
        for tensor in tensors:
            if len(tensor.shape) != 2:
                self.fail(f"tensor {tensor.name} has shape {tensor.shape}; two dimensions needed")

    def shape(self, tensor, wanted: tuple[int, ...]) -> None:
        if tensor.shape != wanted:
            self.fail(f"tensor {tensor.name} has shape {tensor.shape}; {wanted} needed")

    def constant(self, name: str, dtype: str, *shapes: tuple[int, ...]) -> None:
        array = self.node.constants[name]
        if array.dtype != dtype:
            self.fail(f"constant {name} is {array.dtype}; {dtype} needed")
        if array.shape not in shapes:
            wanted = " or ".join(str(shape) for shape in shapes)
            self.fail(f"constant {name} has shape {array.shape}; {wanted} needed")

    def entry(self, *sizes: int, fields: tuple[str, ...] = _ENTRY) -> None:
        for name in fields:
            shape = self.node.constants[name].shape
            if shape not in [(size,) for size in sizes]:
                wanted = " or ".join(str(size) for size in sizes)
                self.fail(f"constant {name} has shape {shape}; {wanted} entries needed")
        try:
            Entry.read(self.node.constants)
        except ValueError as error:
            self.fail(f"constant {error}")


def _patch_embed(view: _View) -> None:
    view.tensors(1)
    (x,), (y,) = view.inputs, view.outputs
    view.matrices(x, y)
    view.dtype(x, "int8")
    view.dtype(y, "int16")
    view.attrs(patch=(1, min(x.shape)))
    view.constants("weight", "position", *_RESIDUAL_ENTRY)
    patch = view.node.attrs["patch"]
    if x.shape[0] % patch or x.shape[1] % patch:
        view.fail(f"tensor {x.name} has shape {x.shape}; not a multiple of the patch, {patch}")
    tokens, channels = x.shape[0] * x.shape[1] // patch**2, y.shape[1]
    view.shape(y, (tokens, channels))
    view.constant("weight", "int8", (channels, patch * patch))
    view.constant("position", "int16", (tokens, channels))
    view.entry(channels, fields=_RESIDUAL_ENTRY)


def _layernorm(view: _View) -> None:
    view.tensors(1)
    (x,), (y,) = view.inputs, view.outputs
    view.matrices(x, y)
    view.dtype(x, "int16")
    view.dtype(y, "int8")
    view.shape(y, x.shape)
    if x.shape[1] > MAX_CHANNELS:
        view.fail(f"tensor {x.name} has {x.shape[1]} channels; at most {MAX_CHANNELS}")
    view.attrs()
    view.constants(*_ENTRY)
    view.entry(x.shape[1])


def _linear(view: _View) -> None:
    view.tensors(1)
    (x,), (y,) = view.inputs, view.outputs
    view.matrices(x, y)
    view.dtype(x, "int8", "uint8")
    view.attrs(transposed=(0, 1))
    rows, channels = y.shape[::-1] if view.node.attrs["transposed"] else y.shape
    if rows != x.shape[0]:
        view.fail(f"tensor {y.name} has shape {y.shape} for {x.shape[0]} rows of {x.name}")
    if y.dtype == "int32":
        view.constants("weight")
    else:
        table = ("table",) if y.dtype in ("int8", "uint8") else ()
        residual = "residual" in view.node.constants
        fields = _RESIDUAL_ENTRY if residual else _ENTRY
        needed = ("weight", *fields, *(("residual",) if residual else ()))
        view.constants(*needed, optional=table)
        view.entry(1, channels, fields=fields)
        if "table" in view.node.constants:
            view.constant("table", "int8", (256,))
        if residual:
            view.constant("residual", "int16", (rows, channels))
            if view.node.attrs["transposed"]:
                view.fail("constant residual means nothing in a transposed layer")
    view.constant("weight", "int8", (channels, x.shape[1]))


def _attention(view: _View) -> None:
    view.tensors(3)
    (q, k, vt), (y,) = view.inputs, view.outputs
    view.matrices(q, k, vt, y)
    for tensor in (q, k, vt, y):
        view.dtype(tensor, "int8")
    keys, width = k.shape
    view.attrs(
        {"mask": ("none", "causal")},
        heads=(1, width),
        head_dim=(1, width),
        kv_len=(0, keys),
        mask_offset=OFFSET_LIMITS,
    )
    attrs = view.node.attrs
    heads = attrs["heads"]
    if heads * attrs["head_dim"] != width:
        view.fail(f"tensor {k.name} is {width} wide; not {heads} heads of {attrs['head_dim']}")
    view.shape(q, (q.shape[0], width))
    view.shape(vt, (width, keys))
    view.shape(y, q.shape)
    view.constants(*_ENTRY, "j", "g")
    view.entry(heads)
    for name, low, high in (("j", 1, 5), ("g", 0, 1)):
        array = view.node.constants[name]
        if array.shape != (heads,):
            view.fail(f"constant {name} has shape {array.shape}; {(heads,)} needed")
        try:
            check.integers(f"constant {name}", array, low, high)
        except ValueError as error:
            view.fail(str(error))


def _add(view: _View) -> None:
    view.tensors(2)
    (a, b), (y,) = view.inputs, view.outputs
    view.matrices(a, b, y)
    for tensor in (a, b, y):
        view.dtype(tensor, "int16", "int8")
    view.shape(b, a.shape)
    view.shape(y, a.shape)
    view.attrs()
    view.constants(*_RESIDUAL_ENTRY)
    view.entry(1, fields=_RESIDUAL_ENTRY)


def _conv2d(view: _View) -> None:
    view.tensors(1)
    (x,), (y,) = view.inputs, view.outputs
    for tensor in (x, y):
        view.dtype(tensor, "int8", "uint8")
        if len(tensor.shape) != 4:
            view.fail(f"tensor {tensor.name} has shape {tensor.shape}; 4 dimensions needed")
    low, high = check.LIMITS[x.dtype]
    sizes = {name: (1, MAX_SIZE) for name in CONV_STEPS}
    pads = {name: (0, MAX_SIZE) for name in CONV_PADS}
    view.attrs(**sizes, **pads, pad_value=(low, high), groups=(1, x.shape[-1]))
    view.constants("weight", *_ENTRY)
    weight = view.node.constants["weight"]
    if weight.ndim != 4:
        view.fail(f"constant weight has shape {weight.shape}; 4 dimensions needed")
    channels, kernel = y.shape[-1], weight.shape[1:3]
    groups = view.node.attrs["groups"]
    if x.shape[-1] % groups or channels % groups:
        view.fail(f"attribute groups is {groups}; it must divide {x.shape[-1]} and {channels}")
    view.constant("weight", "int8", (channels, *kernel, x.shape[-1] // groups))
    view.entry(1, channels)
    view.shape(y, (x.shape[0], *conv_reach(x.shape, kernel, view.node.attrs), channels))


CONV_STEPS = (
    "stride_height",
    "stride_width",
    "dilation_height",
    "dilation_width",
    "pool_height",
    "pool_width",
)
CONV_PADS = ("pad_top", "pad_left", "pad_bottom", "pad_right")
MAX_SIZE = 65535
"""Largest of a convolution's sizes."""


def conv_reach(shape: tuple[int, ...], kernel: tuple[int, int], attrs: dict) -> tuple[int, int]:
    """Return height and width of a convolution's result after its pool; 0 where nothing fits."""
    result = []
    for axis, size, before, after in (
        (0, "height", "pad_top", "pad_bottom"),
        (1, "width", "pad_left", "pad_right"),
    ):
        span = (kernel[axis] - 1) * attrs[f"dilation_{size}"] + 1
        room = shape[1 + axis] + attrs[before] + attrs[after] - span
        steps = room // attrs[f"stride_{size}"] + 1 if room >= 0 else 0
        result.append(steps // attrs[f"pool_{size}"])
    return result[0], result[1]


def _reshape(view: _View) -> None:
    view.tensors(1)
    (x,), (y,) = view.inputs, view.outputs
    view.dtype(y, x.dtype)
    view.attrs()
    view.constants()
    if np.prod(x.shape) != np.prod(y.shape):
        view.fail(f"tensor {y.name} has shape {y.shape}; {x.name} has {x.shape}")


def _mean_pool(view: _View) -> None:
    view.tensors(1)
    (x,), (y,) = view.inputs, view.outputs
    view.matrices(x, y)
    view.dtype(x, "int8")
    view.dtype(y, "int8")
    view.shape(y, (1, x.shape[1]))
    view.attrs()
    view.constants(*_ENTRY)
    view.entry(1)


#: Every operation and its rule.
OPS: dict[str, Callable[[_View], None]] = {
    "patch_embed": _patch_embed,
    "layernorm": _layernorm,
    "linear": _linear,
    "attention": _attention,
    "add": _add,
    "mean_pool": _mean_pool,
    "conv2d": _conv2d,
    "reshape": _reshape,
}


def check_node(node, inputs: list, outputs: list) -> None:
    """Raise ValueError if a node does not fit its tensors.

    Parameters
    ----------
    node
        A `sw_model.graph.Node`.
    inputs, outputs
        Its tensors, in the node's order.
    """
    if node.op not in OPS:
        raise ValueError(f"node {node.name}: op is {node.op!r}; allowed are {', '.join(OPS)}")
    view = _View(node, inputs, outputs)
    for name, array in node.constants.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
            view.fail(f"constant {name} must be an array of integers")
    OPS[node.op](view)
