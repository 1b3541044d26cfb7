"""Cycles of networks on the RTL, as a page of the reference: the API behind `heed bench`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from heed.errors import HeedError
from heed.flow.result import ImageRun
from heed.run import compare, run_network
from heed.simulator import Simulator
from heed.zoo.digits_vit import load_graph, load_images, quantise_input
from hw.config import ClusterConfig
from sw_model import reference
from sw_model.graph import Graph, Node, Tensor

Progress = Callable[[str], None]
HEAD = """\
# Benchmarks

Measured on the RTL and written by `heed bench`; do not edit. Cycles are the same on every machine.
Every tensor of every run is compared with the reference.

A layer's cycles run from its first instruction to the barrier after its last, descriptors,
doorbell and wake-up included. Utilisation is MACs over what the engine's multipliers could have
done in that time.
"""


@dataclass(frozen=True)
class Item:
    """One head's share of an encoder layer: Q, K, V, attention, projection, feed-forward.

    Parameters
    ----------
    tokens, embedding, head, hidden
        Sizes S, E, P and F.
    """

    tokens: int
    embedding: int
    head: int
    hidden: int

    def graph(self) -> Graph:
        """Return it as a graph of engine jobs, with random weights that keep values busy."""
        rng = np.random.default_rng(0)
        s, e, p, f = self.tokens, self.embedding, self.head, self.hidden
        shapes = {
            "x": (s, e),
            "query": (s, p),
            "key": (s, p),
            "value": (p, s),
            "attention": (s, p),
            "project": (s, e),
            "expand": (s, f),
            "reduce": (s, e),
        }

        def linear(name: str, x: str, rows: int, inner: int, **more) -> Node:
            weight = rng.integers(-127, 128, (rows, inner)).astype(np.int8)
            constants = {"weight": weight, **_entry(rows), **more}
            return Node(name, "linear", (x,), (name,), constants, {"transposed": name == "value"})

        softmax = {"j": np.array([3], np.int8), "g": np.array([0], np.int8)}
        attrs = {"heads": 1, "head_dim": p, "kv_len": s, "mask": "none", "mask_offset": 0}
        qkv = ("query", "key", "value")
        nodes = (
            *(linear(name, "x", p, e) for name in qkv),
            Node("attention", "attention", qkv, ("attention",), _entry(1) | softmax, attrs),
            linear("project", "attention", e, p),
            linear("expand", "project", f, e, table=np.arange(-128, 128).clip(-9).astype(np.int8)),
            linear("reduce", "expand", e, f),
        )
        tensors = {name: Tensor(name, shape, "int8") for name, shape in shapes.items()}
        return Graph("item", tensors, nodes, ("x",), ("reduce",))

    def __str__(self) -> str:
        return f"S={self.tokens} E={self.embedding} P={self.head} F={self.hidden}"


ITEMS = (Item(64, 64, 64, 64), Item(49, 72, 40, 56))
"""A round size and an odd one; both fit every preset."""


def _entry(size: int) -> dict[str, np.ndarray]:
    """Return parameter entries that take sums of some 64 random products to most of int8."""
    values = {"mul": 54, "add": 1 << 14, "shift": 15}
    return {name: np.full(size, value, np.int64) for name, value in values.items()}


def layer_rows(image: ImageRun) -> list[list[str]]:
    """Texts of a table of layers: name, where, MACs, cycles, MACs a cycle, utilisation.

    After the layers come the rest (input and result are copied) and the whole image.
    """
    rows = []
    for layer in image.layers:
        use = "" if layer.utilisation is None else f"{100 * layer.utilisation:.1f} %"
        macs, rate = (f"{layer.macs:,}", f"{layer.macs_a_cycle:.1f}") if layer.macs else ("", "")
        rows.append([layer.name, layer.where, macs, f"{layer.cycles:,}", rate, use])
    inside = sum(layer.cycles for layer in image.layers)
    macs = sum(layer.macs for layer in image.layers)
    rows.append(["copying in and out", "cores", "", f"{image.cycles - inside:,}", "", ""])
    rate = f"{macs / image.cycles:.1f}" if image.cycles else ""
    rows.append(["whole image", "", f"{macs:,}", f"{image.cycles:,}", rate, ""])
    return rows


def measure(graph: Graph, image: np.ndarray, simulator: Simulator, progress: Progress) -> ImageRun:
    """Run one image.

    Raises
    ------
    HeedError
        When a tensor differs from the reference: cycles of a wrong result are worth nothing.
    """
    config = simulator.config
    run = run_network(graph, [image], config, simulator=simulator, progress=progress).images[0]
    if wrong := compare(run, reference.run(graph, {graph.inputs[0]: image})):
        raise HeedError(f"{graph.name} on {config.name}: {wrong}")
    return run


def _section(title: str, image: ImageRun) -> list[str]:
    return [
        "",
        f"### {title}",
        "",
        "| layer | where | MACs | cycles | MAC/cycle | utilisation |",
        "|---|---|--:|--:|--:|--:|",
        *("| " + " | ".join(row) + " |" for row in layer_rows(image)),
    ]


def page(configs: Iterable[ClusterConfig], progress: Progress) -> str:
    """Return the page's text: the bundled network and encoder items on each configuration."""
    lines = [HEAD.rstrip()]
    for config in configs:
        engine, tcdm = config.engine, config.tcdm
        lines += [
            "",
            f"## {config.name.upper()}",
            "",
            f"{config.harts} cores, {engine.units} x {engine.lanes} MACs, {tcdm.banks} banks.",
        ]
        simulator = Simulator.build(config, progress=progress)
        graph, picture = load_graph(), quantise_input(load_images()[0][0])
        run = measure(graph, picture, simulator, progress)
        lines += _section(f"{graph.name}, one image", run)
        for item in ITEMS:
            graph = item.graph()
            shape = graph.tensors["x"].shape
            x = np.random.default_rng(1).integers(-128, 128, shape).astype(np.int8)
            run = measure(graph, x, simulator, progress)
            lines += _section(f"One head of an encoder layer, {item}", run)
    return "\n".join(lines) + "\n"
