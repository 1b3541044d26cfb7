"""Executes an integer graph in numpy: what every other view of the machine must reproduce."""

from collections.abc import Callable

import numpy as np

from sw_model import ops
from sw_model.graph import Graph, Node

Arrays = dict[str, np.ndarray]


def _patch_embed(node: Node, x: np.ndarray, dtype: str) -> Arrays:
    entry = ops.Entry.read(node.constants)
    weight, position = node.constants["weight"], node.constants["position"]
    return {node.outputs[0]: ops.patch_embed(x, weight, position, entry, node.attrs["patch"])}


def _layernorm(node: Node, x: np.ndarray, dtype: str) -> Arrays:
    return {node.outputs[0]: ops.layernorm(x, ops.Entry.read(node.constants))}


def _of_all(residual: np.ndarray | None, x: np.ndarray) -> np.ndarray | None:
    """Return a constant residual for a batch: the same for each."""
    if residual is None:
        return None
    return np.broadcast_to(residual, (*x.shape[:-2], *residual.shape))


def _linear(node: Node, x: np.ndarray, dtype: str) -> Arrays:
    y = ops.linear(
        x,
        node.constants["weight"],
        ops.Entry.read(node.constants) if dtype != "int32" else None,
        dtype,
        table=node.constants.get("table"),
        residual=_of_all(node.constants.get("residual"), x),
        transposed=bool(node.attrs["transposed"]),
    )
    return {node.outputs[0]: y}


def seen_logits(node: Node, logits: np.ndarray) -> np.ndarray:
    """Return the logits [..., rows, keys] of an attention node, 0 where its mask hides the key.

    What is there is nobody's: the engine leaves out keys that no query of a block sees.
    """
    mask = ops.attention_mask(
        *logits.shape[-2:],
        kv_len=node.attrs["kv_len"],
        causal=node.attrs["mask"] == "causal",
        offset=node.attrs["mask_offset"],
    )
    return np.where(mask, logits, 0).astype(logits.dtype)


def _attention(node: Node, q: np.ndarray, k: np.ndarray, vt: np.ndarray, dtype: str) -> Arrays:
    y, logits = ops.attention(
        q,
        k,
        vt,
        ops.Entry.read(node.constants),
        heads=node.attrs["heads"],
        j=node.constants["j"],
        g=node.constants["g"],
        kv_len=node.attrs["kv_len"],
        causal=node.attrs["mask"] == "causal",
        offset=node.attrs["mask_offset"],
    )
    return {node.logits: seen_logits(node, logits), node.outputs[0]: y}


def _add(node: Node, a: np.ndarray, b: np.ndarray, dtype: str) -> Arrays:
    return {node.outputs[0]: ops.add(a, b, ops.Entry.read(node.constants), dtype)}


def _mean_pool(node: Node, x: np.ndarray, dtype: str) -> Arrays:
    return {node.outputs[0]: ops.mean_pool(x, ops.Entry.read(node.constants))}


def _conv2d(node: Node, x: np.ndarray, dtype: str) -> Arrays:
    attrs = node.attrs
    y = ops.conv2d(
        x,
        node.constants["weight"],
        ops.Entry.read(node.constants),
        dtype,
        padding=tuple(attrs[f"pad_{side}"] for side in ("top", "left", "bottom", "right")),
        pad_value=attrs["pad_value"],
        groups=attrs["groups"],
        **{
            name: (attrs[f"{name}_height"], attrs[f"{name}_width"])
            for name in ("stride", "dilation", "pool")
        },
    )
    return {node.outputs[0]: y}


_EXECUTE: dict[str, Callable[..., Arrays]] = {
    "patch_embed": _patch_embed,
    "layernorm": _layernorm,
    "linear": _linear,
    "attention": _attention,
    "add": _add,
    "mean_pool": _mean_pool,
    "conv2d": _conv2d,
}


def run_node(graph: Graph, node: Node, values: Arrays) -> Arrays:
    """Execute one node on the values of its input tensors.

    Returns its outputs, and for attention "<node>.logits" too.
    """
    y = graph.tensors[node.outputs[0]]
    dtype = y.dtype
    if node.op == "reshape":
        x = values[node.inputs[0]]
        lead = x.shape[: x.ndim - len(graph.tensors[node.inputs[0]].shape)]
        return {y.name: x.reshape(*lead, *y.shape)}
    return _EXECUTE[node.op](node, *(values[name] for name in node.inputs), dtype=dtype)


def run(graph: Graph, inputs: Arrays) -> Arrays:
    """Execute a graph.

    Parameters
    ----------
    graph
        The network.
    inputs
        A value for each input of the graph, of its tensor's shape; or all with one leading batch
        dimension, which every result then has too.

    Returns
    -------
    dict
        Every tensor of the graph by its name, inputs and intermediates included, in its element
        type, in the order in which they are made; and for each attention node "<node>.logits",
        int8 [heads, rows, keys], just before its output.

    Raises
    ------
    ValueError
        If an input is missing, unknown, of the wrong shape or out of range.
    """
    for name in inputs:
        if name not in graph.inputs:
            raise ValueError(f"graph {graph.name} has no input {name}")
    values: Arrays = {}
    for name in graph.inputs:
        if name not in inputs:
            raise ValueError(f"input {name} of graph {graph.name} is missing")
        values[name] = graph.tensors[name].array(inputs[name], batch=True)
    for node in graph.nodes:
        values.update(run_node(graph, node, values))
    return values
