"""Stage 1: how each tensor lies in memory.

A row of a tensor starts at a multiple of 8 bytes. The engine reads a head as a slice of a row, so
heads also start at multiples of 8: where the head size is no such multiple, gaps follow each
head. Whoever reads a row with gaps as a whole multiplies them with zero weights.
"""

from dataclasses import dataclass

import numpy as np

from heed.errors import HeedError
from sw_model.graph import Graph, Node, Tensor

ALIGN = 8


def align(value: int, to: int = ALIGN) -> int:
    """Round up to a multiple of `to`."""
    return -(-value // to) * to


@dataclass(frozen=True)
class Layout:
    """Where the elements of a tensor lie, relative to its start.

    Parameters
    ----------
    shape
        The tensor's own shape.
    dtype
        Element type.
    dims
        The shape as three dimensions: rows, groups of columns, columns of a group; or for
        attention logits heads, rows, keys.
    strides
        Bytes from one element to the next, in each of `dims`.
    """

    shape: tuple[int, ...]
    dtype: str
    dims: tuple[int, int, int]
    strides: tuple[int, int, int]

    @property
    def bytes(self) -> int:
        """Bytes from the first element to the end of the last row, a multiple of 8."""
        last = sum((n - 1) * s for n, s in zip(self.dims, self.strides, strict=True))
        return align(last + np.dtype(self.dtype).itemsize)

    @property
    def rows(self) -> int:
        return self.dims[0]

    @property
    def row_stride(self) -> int:
        return self.strides[0]

    @property
    def groups(self) -> int:
        return self.dims[1]

    @property
    def contiguous(self) -> bool:
        """Whether elements lie one behind the other, without gaps."""
        size = np.dtype(self.dtype).itemsize
        if self.groups > 1 and self.group_stride != size * self.group_columns:
            return False
        return self.rows == 1 or self.row_stride == size * int(np.prod(self.dims[1:]))

    @property
    def group_columns(self) -> int:
        return self.dims[2]

    @property
    def group_stride(self) -> int:
        return self.strides[1]

    @property
    def width(self) -> int:
        """Elements from the start of a row to its end, gaps between groups included."""
        return (self.groups - 1) * self.group_stride // self.strides[2] + self.group_columns

    def view(self, memory, offset: int) -> np.ndarray:
        """Return the tensor at `offset` of a buffer, in `dims`, without copying."""
        kind = np.dtype(self.dtype).newbyteorder("<")
        return np.ndarray(self.dims, kind, memory, offset, self.strides)

    def read(self, memory, offset: int = 0) -> np.ndarray:
        """Return a copy of the tensor at `offset` of a buffer, in its own shape."""
        return self.view(memory, offset).reshape(self.shape).astype(self.dtype)

    def pack(self, values: np.ndarray) -> bytes:
        """Return the bytes of a tensor, 0 where there is no element."""
        memory = bytearray(self.bytes)
        self.view(memory, 0)[...] = np.asarray(values, self.dtype).reshape(self.dims)
        return bytes(memory)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return [n, columns] values as [n, width] with zeros in this layout's gaps."""
        step = self.group_stride // self.strides[2]
        out = np.zeros((len(values), self.groups, step), values.dtype)
        out[:, :, : self.group_columns] = values.reshape(-1, self.groups, self.group_columns)
        return out.reshape(len(values), -1)[:, : self.width]


def matrix(shape: tuple[int, ...], dtype: str, groups: int = 1) -> Layout:
    """Return the layout of a tensor as rows of its last dimension, in `groups` of columns."""
    rows, columns = int(np.prod(shape[:-1], dtype=int)), shape[-1]
    size = np.dtype(dtype).itemsize
    if groups > 1 and columns // groups * size % ALIGN == 0:
        groups = 1
    each = columns // groups
    stride = align(each * size)
    return Layout(tuple(shape), dtype, (rows, groups, each), (groups * stride, stride, size))


def image(shape: tuple[int, ...], dtype: str) -> Layout:
    """Return the layout of images, channel last: the pixels of a row one behind the other."""
    rows, row = int(np.prod(shape[:-2], dtype=int)), shape[-2] * shape[-1]
    size = np.dtype(dtype).itemsize
    stride = align(row * size)
    return Layout(tuple(shape), dtype, (rows, 1, row), (stride, stride, size))


def _head_slices(node: Node) -> tuple[str, ...]:
    """Return the tensors whose rows an attention node cuts into heads."""
    q, k, _ = node.inputs
    return q, k, node.outputs[0]


def choose_layouts(graph: Graph) -> dict[str, Layout]:
    """Return the layout of every tensor of a graph.

    Raises
    ------
    HeedError
        If two attention nodes cut one tensor into heads that need different gaps.
    """
    layouts: dict[str, Layout] = {}
    for node in graph.nodes:
        if node.op != "attention":
            continue
        for name in _head_slices(node):
            tensor: Tensor = graph.tensors[name]
            layout = matrix(tensor.shape, tensor.dtype, node.attrs["heads"])
            if layouts.setdefault(name, layout) != layout:
                raise HeedError(
                    f"graph {graph.name}: tensor {name} is cut into {node.attrs['heads']} heads of "
                    f"{node.attrs['head_dim']} by node {node.name}, and differently by another one"
                )
    for name, tensor in graph.tensors.items():
        plain = image if len(tensor.shape) > 2 else matrix
        layouts.setdefault(name, plain(tensor.shape, tensor.dtype))
    return layouts
