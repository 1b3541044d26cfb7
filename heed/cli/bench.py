"""`heed bench`: cycles measured on the RTL, as a page of the reference."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heed.cli.ui import Progress, say
from heed.errors import HeedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hw.config import ClusterConfig

NAME = "bench"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "benchmarks.md"
HEAD = """\
# Benchmarks

Measured on the RTL and written by `heed bench`; do not edit. Cycles are the same on every machine.

A layer's cycles run from its first instruction to the barrier after its last, descriptors,
doorbell and wake-up included. Utilisation is MACs over what the engine's multipliers could have
done in that time.
"""


def _network(config: "ClusterConfig", progress: "Callable[[str], None]") -> list[str]:
    """Run one image through the bundled network; returns the lines of its section."""
    from heed.cli.report import layer_rows
    from heed.run import compare, run_network
    from heed.simulator import Simulator
    from heed.zoo.digits_vit import load_graph, load_images, quantise_input
    from sw_model import reference

    graph, image = load_graph(), quantise_input(load_images()[0][0])
    simulator = Simulator.build(config, progress=progress)
    run = run_network(graph, [image], config, simulator=simulator, progress=progress)
    wrong = compare(run.images[0], reference.run(graph, {graph.inputs[0]: image}))
    if wrong is not None:
        raise HeedError(f"{config.name}: {wrong}; cycles of a wrong result are not recorded")
    engine = config.engine
    rows = layer_rows(run.images[0])
    return [
        "",
        f"## {graph.name} on {config.name.upper()}",
        "",
        f"{config.harts} cores, {engine.units} x {engine.lanes} MACs, "
        f"{config.tcdm.banks} banks; one image, all tensors bit-exact.",
        "",
        "| layer | where | MACs | cycles | MAC/cycle | utilisation |",
        "|---|---|--:|--:|--:|--:|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page to write.", show_default=False)
    ] = PAGE,
    check: Annotated[bool, typer.Option(help="Write nothing; fail when the page differs.")] = False,
) -> None:
    """Measure the bundled network layer by layer on every preset.

    The table goes to docs/reference/benchmarks.md.
    """
    from heed import doctor

    doctor.require("bench")
    from hw.presets import PRESETS

    lines = [HEAD.rstrip()]
    with Progress() as progress:
        for config in PRESETS.values():
            lines += _network(config, progress)
    text = "\n".join(lines) + "\n"
    if check:
        if not output.is_file() or output.read_text() != text:
            raise HeedError(f"{output} is stale", "heed bench brings it up to date")
        say("the benchmarks are current")
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise HeedError(f"{output} cannot be written: {error.strerror}") from None
    say(text)
    say(f"wrote {output}")
