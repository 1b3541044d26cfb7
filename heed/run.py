"""Runs integer networks on the simulated RTL: `import heed.run`.

`run_network` takes any `sw_model.graph.Graph` that fits a cluster; `compare` holds an image's
tensors against the reference's.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heed.errors import HeedError
from heed.flow import Program, deploy
from heed.flow.codegen import io_bytes
from heed.flow.layout import align
from heed.flow.marks import Mark, decode
from heed.flow.plan import Plan
from heed.flow.result import (
    ImageRun,
    LayerRun,
    Mismatch,
    compare,
    layer_run,
    read_written,
)
from hw.config import MAIN_BASE, ClusterConfig
from sw_model.graph import Graph

if TYPE_CHECKING:
    from heed.simulator import RunResult, Simulator
    from heed.simulator.iss import IssSimulator

__all__ = ["ImageRun", "LayerRun", "Mismatch", "NetworkRun", "compare", "run_network"]

Image = np.ndarray | dict[str, np.ndarray]
Waves = tuple[str | Path, int | None, int | None]

BATCH = 8
"""Images of one run of the simulator: bounds the copies of TCDM that are held at a time."""

CYCLES_AN_IMAGE = 20_000_000
"""An image that takes longer hangs."""


@dataclass(frozen=True)
class NetworkRun:
    """Images through a network on the RTL.

    Parameters
    ----------
    network, preset
        Their names.
    images
        What each image yielded, in order.
    cycles
        Clock cycles simulated in all, the harts' start included.
    seconds
        Host time that they took.
    console
        What the program printed.
    """

    network: str
    preset: str
    images: list[ImageRun]
    cycles: int
    seconds: float
    console: bytes

    @property
    def khz(self) -> float:
        """Simulated cycles a millisecond of host time."""
        return self.cycles / self.seconds / 1000 if self.seconds else 0.0


def named_inputs(graph: Graph, image: Image) -> dict[str, np.ndarray]:
    """Return the inputs of one image by name, each in its tensor's type.

    Raises
    ------
    HeedError
        If one is missing, unknown, of the wrong shape or out of range.
    """
    if not isinstance(image, dict):
        if len(graph.inputs) != 1:
            raise HeedError(f"graph {graph.name} has inputs {', '.join(graph.inputs)}; name them")
        image = {graph.inputs[0]: image}
    if set(image) != set(graph.inputs):
        raise HeedError(
            f"inputs {', '.join(map(str, image))} given, but graph {graph.name} has "
            f"{', '.join(graph.inputs)}"
        )
    try:
        return {name: graph.tensors[name].array(image[name]) for name in graph.inputs}
    except ValueError as error:
        raise HeedError(str(error)) from None


def _loads(
    program: Program, images: Sequence[dict[str, np.ndarray]]
) -> tuple[list[tuple[int, bytes]], tuple[int, int]]:
    """Return what to place in memory, and the address and length of the results."""
    plan, graph = program.plan, program.plan.lowered.graph
    inputs = align(program.free_address, 64)
    packed = b"".join(
        plan.lowered.layouts[name].pack(image[name]) for image in images for name in graph.inputs
    )
    outputs = align(inputs + len(packed), 64)
    length = len(images) * io_bytes(plan, graph.outputs)
    if outputs + length > MAIN_BASE + plan.config.main_bytes:
        raise HeedError(f"{len(images)} images do not fit into {plan.config.main_bytes} bytes")
    io = b"".join(word.to_bytes(4, "little") for word in (len(images), inputs, outputs))
    return [(program.io_address, io), (inputs, packed)], (outputs, length)


def _check_end(result: "RunResult", plan: Plan, max_cycles: int) -> None:
    if not result.exited:
        places = ", ".join(f"{pc:#x}" for pc in result.pcs)
        raise HeedError(
            f"network {plan.lowered.graph.name} did not end within {max_cycles} cycles; harts at "
            f"{places}"
        )
    if result.status:
        said = result.console.decode(errors="replace").strip() or "without a word"
        raise HeedError(
            f"network {plan.lowered.graph.name} ended with status {result.status}: {said}"
        )


class _Times:
    """Cycles between marks."""

    def __init__(self, plan: Plan, mailbox: Iterable[tuple[int, int]]):
        self.at: dict[tuple[Mark, int, int], int] = {}
        self.snapshots: dict[tuple[int, int], int] = {}
        for cycle, word in mailbox:
            event = decode(word)
            if event is None:
                raise HeedError(f"mailbox word {word:#010x} at cycle {cycle} is no mark")
            self.at[event.mark, event.image, event.layer] = cycle
            if event.mark == Mark.LAYER_END:
                self.snapshots[event.image, event.layer] = len(self.snapshots)
        self.plan = plan

    def layer(self, image: int, layer: int) -> int:
        return self.at[Mark.LAYER_END, image, layer] - self.at[Mark.LAYER_BEGIN, image, layer]

    def image(self, image: int) -> int:
        return self.at[Mark.IMAGE_END, image, 0] - self.at[Mark.IMAGE_BEGIN, image, 0]


def _collect(plan: Plan, result: "RunResult", images: int, outputs: bytes) -> list[ImageRun]:
    """Return what each image yielded."""
    graph, layouts = plan.lowered.graph, plan.lowered.layouts
    times, runs = _Times(plan, result.mailbox), []
    if len(result.snapshots) != images * len(plan.layers):
        raise HeedError(
            f"{len(result.snapshots)} of {images * len(plan.layers)} layers of network "
            f"{graph.name} ended"
        )
    each = io_bytes(plan, graph.outputs)
    for image in range(images):
        tensors = {}
        for layer in range(len(plan.layers)):
            memory = result.snapshots[times.snapshots[image, layer]]
            tensors |= read_written(plan, layer, memory)
        at = image * each
        for name in graph.outputs:  # as they arrived in main memory
            tensors[name] = layouts[name].read(outputs, at)
            at += layouts[name].bytes
        layers = [
            layer_run(layer, plan.config, times.layer(image, index))
            for index, layer in enumerate(plan.layers)
        ]
        logits = tensors[graph.outputs[0]]
        runs.append(ImageRun(tensors, logits, layers, times.image(image), plan.lowered.hidden))
    return runs


def run_network(
    graph: Graph,
    images: Sequence[Image],
    config: ClusterConfig,
    *,
    simulator: "Simulator | IssSimulator",
    engine: bool = True,
    progress: Callable[[str], None] | None = None,
    waves: Waves | None = None,
    pokes: Iterable[tuple[int, bytes]] = (),
    cycles_an_image: int = CYCLES_AN_IMAGE,
) -> NetworkRun:
    """Compile a network for a cluster and run images through it on the RTL.

    Parameters
    ----------
    graph
        The network.
    images
        For each image the value of the graph's input, or all inputs by name.
    config
        The cluster.
    simulator
        Its simulator: the RTL's, or the simulator core without waves.
    engine
        Whether linear layers and attention run on the engine, else on the cores.
    progress
        Told what is being done.
    waves
        Waveform file, first and last cycle, of the first `BATCH` images.
    pokes
        Addresses and bytes to overwrite once the program is loaded: planted faults.
    cycles_an_image
        Cycles after which an image is taken to hang.

    Raises
    ------
    HeedError
        If the graph does not fit, an input is wrong, or the program fails or hangs.
    """
    say = progress or (lambda text: None)
    inputs = [named_inputs(graph, image) for image in images]
    if not inputs:
        raise HeedError("no image to run", status=2)
    say(f"compiling {graph.name} for {config.name}")
    program = deploy(graph, config, engine)
    runs, cycles, seconds, console = [], 0, 0.0, b""
    for first in range(0, len(inputs), BATCH):
        batch = inputs[first : first + BATCH]
        say(f"running images on the RTL: {first + len(batch)} of {len(inputs)}")
        loads, results = _loads(program, batch)
        limit = cycles_an_image * len(batch)
        result = simulator.run(
            program.elf,
            harts=config.harts,
            max_cycles=limit,
            loads=[*loads, *pokes],
            dumps=[results],
            snapshots=True,
            **({"waves": waves} if waves and first == 0 else {}),
        )
        _check_end(result, program.plan, limit)
        runs += _collect(program.plan, result, len(batch), result.dumps[0])
        cycles += result.cycles
        seconds += result.seconds
        console += result.console
    return NetworkRun(graph.name, config.name, runs, cycles, seconds, console)
