"""Integer graphs: a network as the machine runs it, every constant an integer.

A graph is a list of nodes in execution order over named tensors. It is checked when it is made:
the operators' shapes and types in `sw_model.graph_rules`, names and order here. One file holds
one graph: an `.npz` with a JSON header and the constants.
"""

import json
import operator
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sw_model.graph_rules import check_node
from sw_model.ops.check import LIMITS, integers

FORMAT = "heed-graph-1"


@dataclass(frozen=True)
class Tensor:
    """A named array of one element type.

    Parameters
    ----------
    name
        Unique in its graph.
    shape
        Sizes, each at least 1.
    dtype
        "int8", "uint8", "int16" or "int32".
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    def __post_init__(self) -> None:
        try:
            shape = tuple(operator.index(size) for size in self.shape)
        except TypeError:
            shape = ()
        if not shape or min(shape) < 1:
            raise ValueError(
                f"tensor {self.name} has shape {self.shape!r}; whole numbers from 1 on are needed"
            )
        object.__setattr__(self, "shape", shape)
        if self.dtype not in list(LIMITS):
            raise ValueError(
                f"tensor {self.name} has dtype {self.dtype!r}; allowed are {', '.join(LIMITS)}"
            )

    def array(self, value, *, batch: bool = False) -> np.ndarray:
        """Return what is given for an input as an array of the tensor's element type.

        Parameters
        ----------
        value
            Integers of the tensor's shape.
        batch
            Whether one more dimension before it is allowed.

        Raises
        ------
        ValueError
            If the shape is wrong, or something is no integer or out of range.
        """
        try:
            array = np.asarray(value)
        except ValueError:
            raise ValueError(f"input {self.name} has rows of different lengths") from None
        lead = array.ndim - len(self.shape)
        if lead not in (0, int(batch)) or array.shape[lead:] != self.shape:
            also = ", or a batch of that" if batch else ""
            raise ValueError(
                f"input {self.name} has shape {array.shape}, but must have {self.shape}{also}"
            )
        return integers(f"input {self.name}", array, *LIMITS[self.dtype]).astype(self.dtype)


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Parameters
    ----------
    name
        Unique in its graph.
    op
        One of `sw_model.graph_rules.OPS`.
    inputs, outputs
        Tensor names.
    constants
        Integer arrays by name: weights, parameter entries, tables.
    attrs
        Integers and words by name.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    attrs: dict[str, int | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "outputs", tuple(self.outputs))

    @property
    def logits(self) -> str:
        """What an attention node's logits are called among the results."""
        return f"{self.name}.logits"


@dataclass(frozen=True, eq=False)
class Graph:
    """A network.

    Two graphs are equal when everything in them is, constants bit for bit.

    Parameters
    ----------
    name
        What messages call it.
    tensors
        Every tensor by its name.
    nodes
        In execution order.
    inputs, outputs
        Names of the tensors that are given and asked for.

    Raises
    ------
    ValueError
        If anything does not fit; the message names node and tensor.
    """

    name: str
    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("nodes", "inputs", "outputs"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check()

    def _check(self) -> None:
        for key, tensor in self.tensors.items():
            if key != tensor.name:
                raise ValueError(f"graph {self.name}: tensor {tensor.name} is filed under {key}")
        for what in ("inputs", "nodes", "outputs"):
            if not getattr(self, what):
                raise ValueError(f"graph {self.name} has no {what}")
        for name in (*self.inputs, *self.outputs):
            if name not in self.tensors:
                raise ValueError(f"graph {self.name}: no tensor is called {name}")
        made = set(self.inputs)
        seen = set()
        for node in self.nodes:
            if node.name in seen:
                raise ValueError(f"node {node.name}: a second node of this name")
            seen.add(node.name)
            if node.op == "attention" and node.logits in self.tensors:
                raise ValueError(
                    f"node {node.name}: its logits and a tensor are both {node.logits}"
                )
            for name in (*node.inputs, *node.outputs):
                if name not in self.tensors:
                    raise ValueError(f"node {node.name}: no tensor is called {name}")
            for name in node.inputs:
                if name not in made:
                    raise ValueError(f"node {node.name}: tensor {name} is read before it is made")
            for name in node.outputs:
                if name in made:
                    raise ValueError(f"node {node.name}: tensor {name} is made a second time")
                made.add(name)
            check_node(
                node,
                [self.tensors[name] for name in node.inputs],
                [self.tensors[name] for name in node.outputs],
            )
        for name in self.tensors:
            if name not in made:
                raise ValueError(f"graph {self.name}: tensor {name} is never made")

    def producer(self, tensor: str) -> Node | None:
        """Return the node that makes a tensor; None for an input of the graph."""
        return next((node for node in self.nodes if tensor in node.outputs), None)

    def header(self) -> dict:
        """Return everything but the constants' values, as plain data."""
        return {
            "format": FORMAT,
            "name": self.name,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "tensors": [[t.name, list(t.shape), t.dtype] for t in self.tensors.values()],
            "nodes": [
                {
                    "name": node.name,
                    "op": node.op,
                    "inputs": list(node.inputs),
                    "outputs": list(node.outputs),
                    "constants": list(node.constants),
                    "attrs": node.attrs,
                }
                for node in self.nodes
            ],
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every constant as "node/constant"."""
        return {
            f"{node.name}/{name}": array
            for node in self.nodes
            for name, array in node.constants.items()
        }

    def __eq__(self, other) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        mine, theirs = self.arrays(), other.arrays()
        return self.header() == other.header() and all(
            mine[key].dtype == theirs[key].dtype and np.array_equal(mine[key], theirs[key])
            for key in mine
        )

    def save(self, path: str | Path) -> None:
        """Write the graph to an .npz file; the same graph gives the same bytes."""
        header = np.frombuffer(json.dumps(self.header()).encode(), np.uint8)
        with open(path, "wb") as file:
            np.savez_compressed(file, header=header, **self.arrays())


def load(path: str | Path) -> Graph:
    """Read a graph that `Graph.save` wrote.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds no graph of this format, or one that does not pass the checks.
    """
    with open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{path} holds no graph: it is no .npz file")
        file.seek(0)
        try:
            return _read(dict(np.load(file, allow_pickle=False)))
        except KeyError as error:
            raise ValueError(f"{path} holds no graph: {error} is missing") from error
        except (AttributeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{path} holds no graph: {error}") from error


def _read(arrays: dict[str, np.ndarray]) -> Graph:
    """Return the graph of a file's arrays."""
    header = json.loads(arrays["header"].tobytes())
    if header.get("format") != FORMAT:
        raise ValueError(f"its format is {header.get('format')!r}; needed is {FORMAT!r}")
    nodes = tuple(
        Node(
            item["name"],
            item["op"],
            tuple(item["inputs"]),
            tuple(item["outputs"]),
            {name: arrays[f"{item['name']}/{name}"] for name in item["constants"]},
            dict(item["attrs"]),
        )
        for item in header["nodes"]
    )
    tensors = {name: Tensor(name, tuple(shape), dtype) for name, shape, dtype in header["tensors"]}
    return Graph(header["name"], tensors, nodes, header["inputs"], header["outputs"])
