"""`heed bench`: cycles measured on the RTL."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heed.cli.options import (
    Preset,
    Target,
    check_output,
    count,
    cycle,
    preset_config,
    read_text,
    write_text,
)
from heed.cli.ui import Progress, say, show, table
from heed.errors import HeedError

if TYPE_CHECKING:
    from heed.bench.items import Shape

NAME = "bench"
REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGE = REFERENCE / "benchmarks.md"
CORE_PAGE = REFERENCE / "core-bench.md"

group = typer.Typer(invoke_without_command=True)


@group.callback()
def command(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page to write.", show_default=False)
    ] = PAGE,
    check: Annotated[bool, typer.Option(help="Write nothing; fail when the page differs.")] = False,
) -> None:
    """Measure networks layer by layer on every preset.

    Or the engine alone (heed bench engine), a core (heed bench core), the kernels on the cores
    (heed bench kernels), or the radar networks on them (heed bench radar). The tables of networks
    go to docs/reference/benchmarks.md.
    """
    if context.invoked_subcommand is not None:
        return
    from heed import doctor

    doctor.require("bench")
    from heed.bench.network import page
    from hw.presets import PRESETS

    with Progress() as progress:
        text = page(PRESETS.values(), progress)
    if check:
        if not output.is_file() or output.read_text() != text:
            raise HeedError(f"{output} is stale", "heed bench brings it up to date")
        say("the benchmarks are current")
        return
    write_text(output, text)
    say(text)
    say(f"wrote {output}")


def shape(text: str) -> "Shape":
    """Sizes S,E,P,F; the message names the value."""
    from heed.bench.items import Shape
    from hw.regmap import MAX_SIZE

    try:
        sizes = [int(size) for size in text.split(",")]
    except ValueError:
        sizes = []
    if len(sizes) != 4 or not all(1 <= size <= MAX_SIZE for size in sizes):
        raise typer.BadParameter(f"{text} is not S,E,P,F, four sizes from 1 to {MAX_SIZE}")
    return Shape(*sizes)


def probability(text: str) -> float:
    """A probability above 0; the message names the value."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 / 256 <= value <= 1:
        raise typer.BadParameter(f"{text} is not a probability from 1/256 to 1")
    return value


@group.command("engine")
def engine(
    shapes: Annotated[
        list[str] | None,
        typer.Option("--shape", metavar="S,E,P,F", help="Measure this encoder layer instead."),
    ] = None,
    heads: Annotated[
        int | None, typer.Option(parser=count, metavar="H", help="Heads of the shapes.")
    ] = None,
    grant: Annotated[
        float | None,
        typer.Option(parser=probability, metavar="P", help="Let requests through this often."),
    ] = None,
    traffic: Annotated[
        bool, typer.Option("--traffic", help="Let other masters share the scratchpad.")
    ] = False,
    seed: Annotated[int, typer.Option(parser=cycle, metavar="N", help="Of all values.")] = 0,
    preset: Preset = "paper",
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows to this file.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PAGE", help="Renew the table of this page."),
    ] = None,
) -> None:
    """Measure the attention engine alone; every result is compared with the model.

    Without --shape it measures the items of docs/reference/engine-bench.md.
    """
    if not shapes and (heads is not None or grant is not None or traffic):
        raise HeedError("--heads, --grant and --traffic need --shape S,E,P,F", status=2)
    if file is not None and not file.absolute().parent.is_dir():
        raise HeedError(
            f"--json {file}: the folder {file.absolute().parent} does not exist", status=2
        )
    old = "" if output is None else read_text(output)
    config = preset_config(preset)
    parsed = [shape(text) for text in shapes or []]
    from heed import doctor

    doctor.require("exec")
    from heed.bench.engine import HEADINGS, measure, page, texts, traffic_text
    from heed.bench.items import CASES, encoder_case

    if output is not None:
        page(old, [])  # complains now rather than after all the work
    cases = [encoder_case(s, heads or 1, grant or 1.0, traffic) for s in parsed] or CASES
    rows, failures = [], []
    with Progress() as progress:
        for case in cases:
            try:
                rows.append(measure(case, config, seed, progress))
            except HeedError as error:
                failures.append(error)
            if file is not None:  # what there is so far
                write_text(file, json.dumps([row.as_dict() for row in rows], indent=1) + "\n")
    if not rows:
        raise failures[0]
    result = table(*HEADINGS)
    for row in rows:
        result.add_row(*texts(row))
    engine = config.engine
    show(f"{config.name.upper()}: {engine.units} x {engine.lanes} MACs a cycle", result)
    for row in rows:
        if row.traffic:
            say(traffic_text(row))
    if output is not None and not failures:
        write_text(output, page(old, rows))
        say(f"wrote {output}")
    if failures:
        raise HeedError("; ".join(failure.message for failure in failures))


@group.command("core")
def core(
    preset: Preset = "tiny",
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows to this file.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PAGE", help="Renew the table of this page."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(help="Fail when the page (docs/reference/core-bench.md) has another table."),
    ] = False,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure how fast the simulators are instead.")
    ] = False,
) -> None:
    """Measure cycles per instruction of a core on programs in C, and what makes them up.

    Every program checks its results; the counters must explain every cycle. The instruction-set
    simulator's estimate is compared with the RTL.
    """
    if speed and (file is not None or output is not None or check):
        raise HeedError("--speed goes without --json, --output and --check", status=2)
    check_output("--json", file)
    config = preset_config(preset)
    target = output or (CORE_PAGE if check else None)
    old = "" if target is None else read_text(target)
    from heed import doctor

    doctor.require("bench")
    if speed:
        from heed.simulator.speed import HEADINGS as SPEED_HEADINGS
        from heed.simulator.speed import speeds

        result = table(*SPEED_HEADINGS, left=2)
        with Progress() as progress:
            for row in speeds(config, progress):
                result.add_row(*row.texts())
        show(f"{config.name.upper()}: speed of both simulators on this computer", result)
        return
    from heed.bench.core import HEADINGS, measure, page, texts
    from heed.bench.core_programs import PROGRAMS

    if target is not None:
        page(old, [])  # complains now rather than after all the work
    with Progress() as progress:
        rows = [measure(program, config, progress) for program in PROGRAMS]
    if file is not None:
        write_text(file, json.dumps([row.as_dict() for row in rows], indent=1) + "\n")
    result = table(*HEADINGS)
    for row in rows:
        result.add_row(*texts(row))
    show(f"{config.name.upper()}: one core, RV32IM", result)
    if target is None:
        return
    new = page(old, rows)
    if not check:
        write_text(target, new)
        say(f"wrote {target}")
    elif old != new:
        raise HeedError(f"{target} is stale", f"heed bench core -o {target} brings it up to date")
    else:
        say("the table is current")


@group.command("kernels")
def kernels(
    preset: Preset = "paper",
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows to this file.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PAGE", help="Renew the table of this page."),
    ] = None,
) -> None:
    """Measure the kernels on 1, 2, 4 and 8 cores; every result is compared with the reference."""
    check_output("--json", file)
    config = preset_config(preset)
    old = "" if output is None else read_text(output)
    from heed import doctor

    doctor.require("bench")
    from heed.bench.kernels import HEADINGS, ITEMS, measure, page, texts

    if output is not None:
        page(old, [])  # complains now rather than after all the work
    with Progress() as progress:
        rows = measure(ITEMS, config, progress)
    if file is not None:
        write_text(file, json.dumps([row.as_dict() for row in rows], indent=1) + "\n")
    result = table(*HEADINGS)
    for row in rows:
        result.add_row(*texts(row))
    show(f"{config.name.upper()} with 512 KiB of scratchpad: kernels on the cores", result)
    if output is not None:
        write_text(output, page(old, rows))
        say(f"wrote {output}")


@group.command("radar")
def radar(
    preset: Preset = "paper",
    target: Target = "rtl",
    accuracy: Annotated[
        bool, typer.Option(help="Classify all test sequences, too, which takes minutes.")
    ] = True,
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows to this file.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PAGE", help="Renew the tables of this page."),
    ] = None,
) -> None:
    """Run a synthetic radar sequence through two networks on the cores, without the engine.

    Every tensor is compared with the reference. Accuracies are those of the test users.
    """
    if output is not None and not accuracy:
        raise HeedError("--output goes without --no-accuracy", status=2)
    check_output("--json", file)
    config = preset_config(preset)
    old = "" if output is None else read_text(output)
    from heed import doctor

    doctor.require("bench")
    from heed.bench.kernels import deep
    from heed.bench.radar import HEADINGS, LAYER_HEADINGS, measure, page, texts
    from heed.simulator import Simulator
    from heed.simulator.iss import IssSimulator
    from heed.zoo.radar.accuracy import accuracies

    if output is not None:
        page(old, [])  # complains now rather than after all the work
    config = deep(config)
    with Progress() as progress:
        if target == "iss":
            simulator = IssSimulator(config, progress)
        else:
            simulator = Simulator.build(config, progress=progress)
        rows = measure(config, simulator, accuracies(progress) if accuracy else {}, progress)
    if file is not None:
        write_text(file, json.dumps([row.as_dict() for row in rows], indent=1) + "\n")
    for row in rows:
        layers = table(*LAYER_HEADINGS)
        for cells in row.layers:
            layers.add_row(*cells)
        show(f"{row.network}, layer by layer", layers)
    result = table(*HEADINGS)
    for row in rows:
        result.add_row(*texts(row))
    where = "the simulator" if target == "iss" else "the RTL"
    show(f"{config.name.upper()}: a synthetic sequence on {config.harts} cores of {where}", result)
    say("all tensors bit-exact but attention's logits, which the cores never hold as a whole")
    if output is not None:
        write_text(output, page(old, rows))
        say(f"wrote {output}")
