"""Stage 2: nodes become layers: linear and attention jobs of the engine, kernels on the cores."""

from collections.abc import Callable

import numpy as np

from heed.errors import HeedError
from heed.flow.attention import lower_attention
from heed.flow.cores import INSTEAD_OF_ENGINE, ONLY_ON_CORES, cores_layer
from heed.flow.layer import Call, Job, Layer, Lowered, Ref
from heed.flow.layout import Layout, align, matrix
from heed.flow.parameters import refuse_overflow
from heed.kernels.entries import parameter_bytes
from hw.config import ClusterConfig
from hw.regmap import ElementType, Kind, ParamMode
from sw_model.graph import Graph, Node
from sw_model.ops import Entry


class Builder:
    """Collects what lowering makes.

    Parameters
    ----------
    graph
        What is lowered.
    layouts
        Layout of every tensor; visible attention logits join it.
    config
        The cluster.
    show_logits
        Whether attention keeps the logits of all heads and rows.
    """

    def __init__(
        self, graph: Graph, layouts: dict[str, Layout], config: ClusterConfig, show_logits: bool
    ):
        self.graph = graph
        self.layouts = dict(layouts)
        self.config = config
        self.show_logits = show_logits
        self.constants: dict[str, bytes] = {}
        self.scratch: dict[str, int] = {}
        self.hidden: list[str] = []
        self.views: dict[str, str] = {}

    def constant(self, node: Node, name: str, contents: bytes) -> Ref:
        """Add a constant of a node; return its address to be."""
        area = f"{node.name}/{name}"
        self.constants[area] = contents.ljust(align(len(contents)), b"\0")
        return Ref(area)

    def entries(self, node: Node, count: int) -> Ref:
        """Add a node's parameter entries."""
        entry = Entry.read(node.constants)
        return self.constant(node, "parameters", parameter_bytes(entry, count))

    def matrix(self, node: Node, name: str, values: np.ndarray) -> tuple[Ref, int]:
        """Add a constant matrix; return its address to be and its row stride."""
        layout = matrix(values.shape, values.dtype.name)
        return self.constant(node, name, layout.pack(values)), layout.row_stride


def _linear(build: Builder, node: Node) -> Layer:
    (x_name,), (y_name,) = node.inputs, node.outputs
    x, y = build.layouts[x_name], build.layouts[y_name]
    transposed = bool(node.attrs["transposed"])
    if transposed and x.dtype == "uint8":
        raise HeedError(
            f"node {node.name}: tensor {x_name} is uint8, but a transposed linear layer streams "
            "its weights and takes int8 only"
        )
    weight = x.spread(node.constants["weight"])
    weight_base, weight_stride = build.matrix(node, "weight", weight)
    activations = {"base": Ref(x_name), "row_stride": x.row_stride}
    weights = {"base": weight_base, "row_stride": weight_stride}
    streamed, stationary = (weights, activations) if transposed else (activations, weights)
    fields = {
        "kind": Kind.LINEAR,
        "x_type": ElementType[("int8" if transposed else x.dtype).upper()],
        "y_type": ElementType[y.dtype.upper()],
        "rows": y.rows,
        "columns": y.group_columns,
        "inner": x.width,
        "heads": y.groups,
        "y_base": Ref(y_name),
        "y_row_stride": y.row_stride,
    }
    for operand, place in (("x", streamed), ("w", stationary)):
        fields |= {f"{operand}_{part}": value for part, value in place.items()}
    if y.groups > 1:
        fields["w_head_stride"] = y.group_columns * stationary["row_stride"]
        fields["y_head_stride"] = y.group_stride
    if y.dtype != "int32":
        fields |= _linear_entries(build, node, y, transposed)
    if "residual" in node.constants:
        refuse_overflow(node, "int32", "int16")
        base, stride = build.matrix(node, "residual", node.constants["residual"])
        fields |= {
            "use_residual": 1,
            "r_type": ElementType.INT16,
            "r_base": base,
            "r_row_stride": stride,
            "r_head_stride": 2 * y.group_columns if y.groups > 1 else 0,
        }
    if "table" in node.constants:
        fields["use_table"] = 1
        fields["table_base"] = build.constant(node, "table", node.constants["table"].tobytes())
    macs = node.constants["weight"].size * x.rows
    return Layer(node.name, node.op, "engine", (Job(fields),), {y_name: y_name}, macs)


def _linear_entries(build: Builder, node: Node, y: Layout, transposed: bool) -> dict:
    """Return the fields that name the entries: common, a column, or a row of each head."""
    size = Entry.read(node.constants).size
    if size == 1:
        mode, count = ParamMode.COMMON, 1
    elif transposed:
        mode, count = ParamMode.ROW, size * y.groups
    else:
        mode, count = ParamMode.COLUMN, size
    return {"param_mode": mode, "param_base": build.entries(node, count)}


def _layernorm(build: Builder, node: Node) -> Layer:
    (x_name,), (y_name,) = node.inputs, node.outputs
    x, y = build.layouts[x_name], build.layouts[y_name]
    if y.groups > 1:
        raise HeedError(
            f"node {node.name}: tensor {y_name} goes to attention in heads of {y.group_columns}, "
            "not a multiple of 8; only a linear layer can write it so"
        )
    fields = {
        "x": Ref(x_name),
        "x_stride": x.row_stride,
        "y": Ref(y_name),
        "y_stride": y.row_stride,
        "entries": build.entries(node, x.group_columns),
        "rows": x.rows,
        "columns": x.group_columns,
    }
    return cores_layer(node, [Call("heed_layernorm", fields)])


def _add(build: Builder, node: Node) -> Layer:
    a_name, b_name = node.inputs
    (y_name,) = node.outputs
    a, b, y = (build.layouts[name] for name in (a_name, b_name, y_name))
    refuse_overflow(node, a.dtype, b.dtype)
    entry = build.entries(node, 1)
    groups = max(layout.groups for layout in (a, b, y))
    columns = y.shape[-1] // groups
    if {layout.groups for layout in (a, b, y)} - {1, groups}:
        raise HeedError(
            f"node {node.name}: tensors {a_name}, {b_name} and {y_name} go to attention in "
            "different heads"
        )
    calls = []
    for group in range(groups):  # gaps can only be in int8 tensors
        fields = {}
        for name, tensor, layout in (("a", a_name, a), ("b", b_name, b), ("y", y_name, y)):
            size = layout.strides[2]
            step = layout.group_stride if layout.groups > 1 else columns * size
            fields |= {
                name: Ref(tensor, group * step),
                f"{name}_stride": layout.row_stride,
                f"{name}_bytes": size,
            }
        fields |= {"entries": entry, "per_column": 0, "rows": y.rows, "columns": columns}
        calls.append(Call("heed_add", fields))
    return cores_layer(node, calls)


def _patch_embed(build: Builder, node: Node) -> Layer:
    (x_name,), (y_name,) = node.inputs, node.outputs
    x, y = build.layouts[x_name], build.layouts[y_name]
    if x.groups > 1:
        raise HeedError(f"node {node.name}: tensor {x_name} goes to attention, too")
    refuse_overflow(node, "int32", "int16")
    weight, weight_stride = build.matrix(node, "weight", node.constants["weight"])
    position, position_stride = build.matrix(node, "position", node.constants["position"])
    height, width = x.shape
    fields = {
        "image": Ref(x_name),
        "image_stride": x.row_stride,
        "weight": weight,
        "weight_stride": weight_stride,
        "position": position,
        "position_stride": position_stride,
        "y": Ref(y_name),
        "y_stride": y.row_stride,
        "entries": build.entries(node, y.group_columns),
        "height": height,
        "width": width,
        "patch": node.attrs["patch"],
        "columns": y.group_columns,
    }
    macs = y.rows * node.constants["weight"].size
    return cores_layer(node, [Call("heed_patch_embed", fields)], macs)


def _mean_pool(build: Builder, node: Node) -> Layer:
    (x_name,), (y_name,) = node.inputs, node.outputs
    x, y = build.layouts[x_name], build.layouts[y_name]
    if x.groups > 1 and y.groups > 1 and x.groups != y.groups:
        raise HeedError(
            f"node {node.name}: tensors {x_name} and {y_name} go to attention in different heads"
        )
    groups = max(x.groups, y.groups)
    columns = x.shape[-1] // groups
    entry = build.entries(node, 1)
    calls = []
    for group in range(groups):
        at = [group * (t.group_stride if t.groups > 1 else columns) for t in (x, y)]
        fields = {
            "x": Ref(x_name, at[0]),
            "x_stride": x.row_stride,
            "y": Ref(y_name, at[1]),
            "entry": entry,
            "rows": x.rows,
            "columns": columns,
        }
        calls.append(Call("heed_mean_pool", fields))
    return cores_layer(node, calls)


_LOWER: dict[str, Callable[[Builder, Node], Layer]] = {
    "linear": _linear,
    "attention": lower_attention,
    "layernorm": _layernorm,
    "add": _add,
    "patch_embed": _patch_embed,
    "mean_pool": _mean_pool,
    **ONLY_ON_CORES,
}


def lower(
    graph: Graph,
    layouts: dict[str, Layout],
    config: ClusterConfig,
    *,
    show_logits: bool = True,
    engine: bool = True,
) -> Lowered:
    """Return a graph as layers.

    Parameters
    ----------
    graph
        The network.
    layouts
        Layout of each of its tensors.
    config
        The cluster: its tile size decides how attention is cut into blocks.
    show_logits
        Whether attention logits get room for all heads and rows, so that they can be compared;
        on the cores they never do.
    engine
        Whether linear layers and attention run on the engine, else on the cores.

    Raises
    ------
    HeedError
        If a node asks for something that neither engine nor kernels do.
    """
    build = Builder(graph, layouts, config, show_logits)
    how = _LOWER if engine else _LOWER | INSTEAD_OF_ENGINE
    layers = tuple(how[node.op](build, node) for node in graph.nodes)
    return Lowered(
        graph,
        build.layouts,
        layers,
        build.constants,
        build.scratch,
        tuple(build.hidden),
        build.views,
    )
