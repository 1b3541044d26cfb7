"""Both radar networks on the cores, side by side: one synthetic sequence each."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from heed.bench.network import layer_rows
from heed.bench.page import renewed
from heed.errors import HeedError
from heed.flow.result import ImageRun
from heed.run import compare, run_network
from heed.zoo.radar import GESTURES, dataset
from heed.zoo.radar.data import NETWORKS
from heed.zoo.radar.networks import load_graph, quantise_input
from hw.config import ClusterConfig
from sw_model import reference
from sw_model.graph import Graph

if TYPE_CHECKING:
    from heed.simulator import Simulator
    from heed.simulator.iss import IssSimulator

Progress = Callable[[str], None]

SEQUENCE = (dataset.SEED, dataset.USERS["test"][0], GESTURES.index("circle"), 0)
"""The sequence that runs: of a test user."""

CYCLES = 500_000_000
"""A sequence that takes longer hangs; one core alone needs some 40 million."""

PARAMETERS = ("weight", "residual")
"""Constants of a node that hold what training has learned, but for biases and norms."""


@dataclass(frozen=True)
class Row:
    """One network.

    Parameters
    ----------
    network, cores
    parameters
        Of the float network.
    weight_bytes
        Of its weights and positions as integers.
    macs
        Multiply-accumulates of the products that the cores form; what a pool drops is not formed.
    cycles
        From the copying of the frames into the scratchpad to the copying of the result out of it.
    float_accuracy, int8_accuracy
        Shares of the test users' sequences that are recognised, 0..1; None where not asked for.
    layers
        Cells of a row a layer, and of the sums: name, MACs, cycles, MACs a cycle.
    """

    network: str
    cores: int
    parameters: int
    weight_bytes: int
    macs: int
    cycles: int
    float_accuracy: float | None
    int8_accuracy: float | None
    layers: list[list[str]]

    @property
    def mac_per_cycle(self) -> float:
        return self.macs / self.cycles

    def as_dict(self) -> dict:
        """Return it as plain values, the derived one too."""
        return asdict(self) | {"mac_per_cycle": self.mac_per_cycle}


def run_sequence(
    graph: Graph,
    inputs: np.ndarray,
    config: ClusterConfig,
    simulator: "Simulator | IssSimulator",
    progress: Progress,
) -> ImageRun:
    """Run a graph on the cores.

    Raises
    ------
    HeedError
        If it fails, or if a tensor differs from the reference.
    """
    run = run_network(
        graph,
        [inputs],
        config,
        simulator=simulator,
        engine=False,
        progress=progress,
        cycles_an_image=CYCLES,
    ).images[0]
    if wrong := compare(run, reference.run(graph, {graph.inputs[0]: inputs})):
        raise HeedError(f"{graph.name} on {config.name}: {wrong}")
    return run


def measure(
    config: ClusterConfig,
    simulator: "Simulator | IssSimulator",
    accuracies: dict[str, tuple[float, float]],
    progress: Progress,
    networks: Sequence[str] = tuple(NETWORKS),
) -> list[Row]:
    """Run a sequence through each network.

    Parameters
    ----------
    config
        The cluster, with a scratchpad deep enough.
    simulator
        Of this cluster.
    accuracies
        Of each network in float and int8, as far as known.

    Raises
    ------
    HeedError
        A network fails, or a tensor differs from the reference.
    """
    frames = dataset.sequence(*SEQUENCE)
    rows = []
    for name in networks:
        graph = load_graph(name)
        image = run_sequence(graph, quantise_input(name, frames), config, simulator, progress)
        shapes = NETWORKS[name].parameter_shapes().values()
        arrays = graph.arrays().items()
        in_float, in_int8 = accuracies.get(name, (None, None))
        rows.append(
            Row(
                network=name,
                cores=config.harts,
                parameters=sum(int(np.prod(shape)) for shape in shapes),
                weight_bytes=sum(a.nbytes for key, a in arrays if key.endswith(PARAMETERS)),
                macs=sum(layer.macs for layer in image.layers),
                cycles=image.cycles,
                float_accuracy=in_float,
                int8_accuracy=in_int8,
                layers=[[row[0], *row[2:5]] for row in layer_rows(image)],
            )
        )
    return rows


HEADINGS = (
    "network",
    "parameters",
    "weights",
    "MACs",
    "cycles",
    "MAC/cycle",
    "float",
    "int8",
)
LAYER_HEADINGS = ("layer", "MACs", "cycles", "MAC/cycle")


def texts(row: Row) -> list[str]:
    """Return the cells of a row under HEADINGS."""
    shares = [
        "" if share is None else f"{share:.1%}" for share in (row.float_accuracy, row.int8_accuracy)
    ]
    return [
        row.network,
        f"{row.parameters:,}",
        f"{row.weight_bytes:,} bytes",
        f"{row.macs:,}",
        f"{row.cycles:,}",
        f"{row.mac_per_cycle:.1f}",
        *shares,
    ]


MARK = "<!-- Written by `heed bench radar`: -->"
"""Line of a page below which the measured tables stand."""


def page(old: str, rows: list[Row]) -> str:
    """Return a page with the rows, and a table of layers for each, in place of what is below MARK.

    Raises
    ------
    HeedError
        There is no such line.
    """
    text = renewed(old, MARK, HEADINGS, map(texts, rows))
    for row in rows:
        head = f"### `{row.network}`, layer by layer"
        lines = renewed(head, head, LAYER_HEADINGS, row.layers)
        text += f"\n{lines}"
    return text
