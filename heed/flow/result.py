"""What a network's run yields, wherever it ran, and how it compares with the reference."""

from dataclasses import dataclass

import numpy as np

from heed.flow.layer import Layer
from heed.flow.plan import Plan
from hw.config import ClusterConfig
from sw_model.reference import seen_logits


@dataclass(frozen=True)
class LayerRun:
    """One layer of one image.

    Parameters
    ----------
    name, op
        The node.
    where
        "engine" or "cores".
    macs
        Multiply-accumulates of its matrix products, masked ones included.
    cycles
        Cycles from its begin to its end, barrier included; 0 where nothing is timed.
    utilisation
        Of the engine: MACs / (MACs of the array * cycles). None for cores.
    """

    name: str
    op: str
    where: str
    macs: int
    cycles: int
    utilisation: float | None

    @property
    def macs_a_cycle(self) -> float:
        return self.macs / self.cycles if self.cycles else 0.0


def layer_run(layer: Layer, config: ClusterConfig, cycles: int) -> LayerRun:
    """Return a layer with its time."""
    use = None
    if layer.where == "engine":
        use = layer.macs / (config.engine.macs * cycles) if cycles else 0.0
    return LayerRun(layer.name, layer.op, layer.where, layer.macs, cycles, use)


@dataclass(frozen=True)
class ImageRun:
    """One image's way through a network.

    Parameters
    ----------
    tensors
        Every tensor by its name, attention logits as "<node>.logits", inputs included.
    logits
        The graph's first output.
    layers
        In execution order.
    cycles
        Cycles from the copying of its input to the copying of its result.
    hidden
        Names of tensors that memory had no room to keep, and which are not in `tensors`.
    """

    tensors: dict[str, np.ndarray]
    logits: np.ndarray
    layers: list[LayerRun]
    cycles: int
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mismatch:
    """The first element that differs; `got` is None if the run has no such tensor."""

    tensor: str
    index: tuple[int, ...]
    got: int | None
    expected: int

    def __str__(self) -> str:
        place = f"tensor {self.tensor} [{', '.join(map(str, self.index))}]"
        return f"{place} is {self.got}, but the reference has {self.expected}"


def compare(run: ImageRun, reference: dict[str, np.ndarray]) -> Mismatch | None:
    """Return the first difference between an image's run and the reference, or None.

    Parameters
    ----------
    run
        What ran.
    reference
        Result of `sw_model.reference.run` for the same image: tensors in the order in which they
        are made. Tensors in `run.hidden` are not compared.
    """
    for name, expected in reference.items():
        if name in run.hidden:
            continue
        got = run.tensors.get(name)
        if got is None or got.shape != expected.shape:
            return Mismatch(name, (0,) * expected.ndim, None, int(expected.flat[0]))
        wrong = np.argwhere(got != expected)
        if len(wrong):
            index = tuple(int(i) for i in wrong[0])
            return Mismatch(name, index, int(got[index]), int(expected[index]))
    return None


def read_written(plan: Plan, layer: int, memory) -> dict[str, np.ndarray]:
    """Return the tensors that a layer completed, out of TCDM as it was right after it.

    The first layer's come with the graph's inputs. Logits that a mask hides are 0.
    """
    names = dict(plan.layers[layer].writes)
    if layer == 0:
        names = {name: name for name in plan.lowered.graph.inputs} | names
    tensors = {
        tensor: plan.lowered.layouts[tensor].read(memory, plan.offset(area))
        for tensor, area in names.items()
    }
    for node in plan.lowered.graph.nodes:
        if node.op == "attention" and node.logits in tensors:
            tensors[node.logits] = seen_logits(node, tensors[node.logits])
    return tensors
