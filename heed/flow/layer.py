"""What lowering makes: layers of engine jobs or kernel calls over named areas of TCDM."""

from dataclasses import dataclass, field
from typing import Literal

from heed.flow.layout import Layout
from sw_model.graph import Graph

Where = Literal["engine", "cores"]


@dataclass(frozen=True)
class Ref:
    """An address that the plan fills in: `offset` bytes into an area."""

    area: str
    offset: int = 0


Value = int | Ref


@dataclass(frozen=True)
class Job:
    """One engine job: fields of its descriptor, but for the ones that chain jobs."""

    fields: dict[str, Value]


@dataclass(frozen=True)
class Call:
    """One call of a kernel of `heed.toolchain.kernels`: fields of its job structure."""

    kernel: str
    fields: dict[str, Value]


@dataclass(frozen=True)
class Layer:
    """What runs between two marks.

    Parameters
    ----------
    name
        Name of the node.
    op
        Its operation.
    where
        "engine" (then `steps` are jobs, run as one chain) or "cores" (kernel calls).
    steps
        What runs, in order.
    writes
        Tensors that are complete after it, with the area each is in.
    macs
        Multiply-accumulates of its matrix products, masked ones included; 0 for other work.
    """

    name: str
    op: str
    where: Where
    steps: tuple[Job, ...] | tuple[Call, ...]
    writes: dict[str, str]
    macs: int

    def refs(self) -> set[str]:
        """Return the names of all areas that it touches."""
        return {
            value.area
            for step in self.steps
            for value in step.fields.values()
            if isinstance(value, Ref)
        }


@dataclass(frozen=True)
class Lowered:
    """A graph as layers and the areas that they need.

    Parameters
    ----------
    graph
        Where it comes from.
    layouts
        Layout of every tensor that lies in memory, visible attention logits included.
    layers
        In execution order.
    constants
        Contents of the constant areas.
    scratch
        Sizes of further areas, which hold nothing that outlives its layer.
    hidden
        Tensors of the reference that no area holds as a whole.
    views
        Tensors that lie where another one lies, by name.
    """

    graph: Graph
    layouts: dict[str, Layout]
    layers: tuple[Layer, ...]
    constants: dict[str, bytes] = field(default_factory=dict)
    scratch: dict[str, int] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    views: dict[str, str] = field(default_factory=dict)
