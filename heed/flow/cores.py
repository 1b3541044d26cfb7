"""Stage 2, kernels: layers that run on the cores."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from heed.errors import HeedError
from heed.flow.layer import Call, Layer, Ref
from heed.flow.layout import Layout, align
from heed.flow.parameters import refuse_overflow
from heed.kernels.attention import MAX_KEYS, Heads, attention_scratch, exponential_tables
from heed.kernels.convolution import conv2d_scratch
from heed.toolchain.kernels import CoreEntries
from hw.regmap import ElementType, ParamMode
from sw_model.graph import Node
from sw_model.ops import Entry, check

if TYPE_CHECKING:
    from heed.flow.lower import Builder

SCRATCH_ALIGN = 8


def cores_layer(node: Node, calls: list[Call], macs: int = 0) -> Layer:
    """Return the layer of a node whose tensors are complete after these calls."""
    writes = {name: name for name in node.outputs}
    return Layer(node.name, node.op, "cores", tuple(calls), writes, macs)


def _largest(dtype: str, inner: int) -> int:
    """Return the largest magnitude of a sum of products of a data type and int8."""
    return inner * max(map(abs, check.LIMITS[dtype])) * 128


def _core_entries(build: "Builder", node: Node, count: int, largest: int) -> Ref | None:
    """Add a node's entries in core form, if they have one for sums up to `largest`."""
    entries = CoreEntries.of(Entry.read(node.constants), count, largest)
    return entries and build.constant(node, "core_parameters", entries.bytes())


def _table(build: "Builder", node: Node) -> Ref | int:
    if "table" not in node.constants:
        return 0
    return build.constant(node, "table", node.constants["table"].tobytes())


def linear(build: "Builder", node: Node) -> Layer:
    """Return a linear layer: by entries in core form if they have one, else in general form."""
    (x_name,), (y_name,) = node.inputs, node.outputs
    x, y = build.layouts[x_name], build.layouts[y_name]
    transposed = bool(node.attrs["transposed"])
    weight, weight_stride = build.matrix(node, "weight", x.spread(node.constants["weight"]))
    data, rows = (Ref(x_name), x.row_stride), (weight, weight_stride)
    (x_at, x_stride), (w_at, w_stride) = (rows, data) if transposed else (data, rows)
    fields = {
        "x": x_at,
        "x_stride": x_stride,
        "x_head_stride": 0,
        "w": w_at,
        "w_stride": w_stride,
        "w_head_stride": y.group_columns * w_stride,
        "y": Ref(y_name),
        "y_stride": y.row_stride,
        "y_head_stride": y.group_stride,
        "rows": y.rows,
        "columns": y.group_columns,
        "inner": x.width,
        "heads": y.groups,
        "data_unsigned": int(x.dtype == "uint8"),
    }
    macs = node.constants["weight"].size * x.rows
    channels = len(node.constants["weight"])
    entries = None
    if y.dtype in ("int8", "uint8") and not (transposed and y.groups > 1):
        entries = _core_entries(build, node, channels, _largest(x.dtype, x.width))
    fields["table"] = _table(build, node)
    if entries is None:
        return cores_layer(node, [_general(build, node, fields, y)], macs)
    fields |= {
        "entries": entries,
        "row_entries": int(transposed),
        "y_unsigned": int(y.dtype == "uint8" and not fields["table"]),
    }
    return cores_layer(node, [Call("heed_linear", fields)], macs)


def _general(build: "Builder", node: Node, fields: dict, y: Layout) -> Call:
    """Return a linear layer's call with entries in general form, or with none for int32."""
    transposed, common = bool(node.attrs["transposed"]), True
    fields |= {"r": 0, "r_stride": 0, "r_head_stride": 0, "r_bytes": 0, "entries": 0}
    if y.dtype != "int32":
        # The mode also says which operand has the weights, and a common entry is one a head.
        common = Entry.read(node.constants).size == 1 and y.groups == 1 and not transposed
        channels = y.rows if transposed else y.group_columns
        fields["entries"] = build.entries(node, 1 if common else channels * y.groups)
    if "residual" in node.constants:
        refuse_overflow(node, "int32", "int16")
        at, stride = build.matrix(node, "residual", node.constants["residual"])
        fields |= {"r": at, "r_stride": stride, "r_head_stride": 2 * y.group_columns, "r_bytes": 2}
    by_channel = ParamMode.ROW if transposed else ParamMode.COLUMN
    fields["mode"] = by_channel if transposed or not common else ParamMode.COMMON
    fields["y_type"] = ElementType[y.dtype.upper()]
    return Call("heed_linear_general", fields)


def attention(build: "Builder", node: Node) -> Layer:
    """Return attention; its logits are nowhere as a whole."""
    (q_name, k_name, vt_name), (y_name,) = node.inputs, node.outputs
    q, k, vt, y = (build.layouts[name] for name in (q_name, k_name, vt_name, y_name))
    heads, size = node.attrs["heads"], node.attrs["head_dim"]
    logit = CoreEntries.of(Entry.read(node.constants), heads, _largest("int8", size))
    if logit is None:
        raise HeedError(
            f"node {node.name}: the requantisation of its logits has no core form (mul 0 to 65535, "
            "add = bias * mul + half + (zero << shift), 32 bits for bias and sum), which the cores "
            "need; quantise it so, or run it on the engine"
        )
    if k.rows > MAX_KEYS:
        raise HeedError(f"node {node.name} has {k.rows} keys; the cores take {MAX_KEYS}")
    parameters = Heads(logit, node.constants["j"], node.constants["g"])
    stride = align(attention_scratch(k.rows), SCRATCH_ALIGN)
    scratch = f"{node.name}/scratch"
    build.scratch[scratch] = build.config.harts * stride
    build.hidden.append(node.logits)
    fields = {
        "q": Ref(q_name),
        "k": Ref(k_name),
        "vt": Ref(vt_name),
        "vt_stride": vt.row_stride,
        "vt_head_stride": size * vt.row_stride,
        "y": Ref(y_name),
        "entries": build.constant(node, "core_parameters", parameters.bytes()),
        "exponentials": build.constant(node, "exponentials", exponential_tables().tobytes()),
        "scratch": Ref(scratch),
        "scratch_stride": stride,
        "rows": q.rows,
        "columns": k.rows,
        "inner": size,
        "heads": heads,
        "keys": node.attrs["kv_len"],
        "causal": int(node.attrs["mask"] == "causal"),
        "offset": node.attrs["mask_offset"],
    }
    for name, layout in (("q", q), ("k", k), ("y", y)):
        fields[f"{name}_stride"] = layout.row_stride
        fields[f"{name}_head_stride"] = layout.group_stride if layout.groups > 1 else size
    macs = 2 * q.rows * k.rows * size * heads
    return cores_layer(node, [Call("heed_attention", fields)], macs)


def conv2d(build: "Builder", node: Node) -> Layer:
    """Return a convolution."""
    (x_name,), (y_name,) = node.inputs, node.outputs
    x, y = build.layouts[x_name], build.layouts[y_name]
    weight, attrs = node.constants["weight"], node.attrs
    outputs, kernel_height, kernel_width, inner = weight.shape
    largest = _largest(x.dtype, kernel_height * kernel_width * inner)
    entries = _core_entries(build, node, outputs, largest)
    if entries is None:
        raise HeedError(
            f"node {node.name}: its requantisation has no core form (mul 0 to 65535, add = bias * "
            "mul + half + (zero << shift), 32 bits for bias and sum), which the cores need"
        )
    at, stride = build.matrix(node, "weight", weight.reshape(outputs, -1))
    bytes_a_hart = align(conv2d_scratch(kernel_height, kernel_width, inner), SCRATCH_ALIGN)
    scratch = f"{node.name}/scratch"
    build.scratch[scratch] = build.config.harts * bytes_a_hart
    images, height, width, channels = x.shape
    _, out_height, out_width, _ = y.shape
    fields = {
        "w": at,
        "w_stride": stride,
        "entries": entries,
        "scratch": Ref(scratch),
        "scratch_stride": bytes_a_hart,
        "images": images,
        "height": height,
        "width": width,
        "channels": channels,
        "out_height": out_height,
        "out_width": out_width,
        "out_channels": outputs,
        "groups": attrs["groups"],
        "kernel_height": kernel_height,
        "kernel_width": kernel_width,
        **{name: attrs[name] for name in attrs if name.startswith(("stride", "dilation", "pool"))},
        "pad_top": attrs["pad_top"],
        "pad_left": attrs["pad_left"],
        "pad_value": attrs["pad_value"],
        "x_unsigned": int(x.dtype == "uint8"),
        "y_unsigned": int(y.dtype == "uint8"),
    }
    for name, tensor, layout in (("x", x_name, x), ("y", y_name, y)):
        fields |= {
            name: Ref(tensor),
            f"{name}_image": layout.shape[1] * layout.row_stride,
            f"{name}_row": layout.row_stride,
            f"{name}_pixel": layout.shape[3],
        }
    pooled = attrs["pool_height"] * attrs["pool_width"]
    macs = int(np.prod(y.shape)) * pooled * kernel_height * kernel_width * inner
    return cores_layer(node, [Call("heed_conv2d", fields)], macs)


def reshape(build: "Builder", node: Node) -> Layer:
    """Return a layer without work: the same bytes in another shape."""
    (x_name,), (y_name,) = node.inputs, node.outputs
    for name in (x_name, y_name):
        if not build.layouts[name].contiguous:
            raise HeedError(
                f"node {node.name}: tensor {name} has gaps between its rows or heads, so it cannot "
                "be seen in another shape; both must be multiples of 8 bytes"
            )
    build.views[y_name] = build.views.get(x_name, x_name)
    return cores_layer(node, [])


ONLY_ON_CORES: dict[str, Callable[["Builder", Node], Layer]] = {
    "conv2d": conv2d,
    "reshape": reshape,
}
"""Operations that the engine lacks."""

INSTEAD_OF_ENGINE: dict[str, Callable[["Builder", Node], Layer]] = {
    "linear": linear,
    "attention": attention,
}
"""Operations that the cores do where no engine is to be used."""
