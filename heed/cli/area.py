"""`heed area`: size and logic levels of the engine's sub-blocks, and of the core."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heed.cli.options import Preset, preset_config
from heed.cli.ui import Progress, say, show, table
from heed.errors import HeedError

if TYPE_CHECKING:
    from heed.area.report import Row
    from hw.config import ClusterConfig

NAME = "area"
CORE = "core"


def command(
    unit: Annotated[
        str, typer.Option(metavar="NAME", help="The engine, a component of it, or core.")
    ] = "engine",
    preset: Preset = "paper",
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows to this file.")
    ] = None,
    path: Annotated[
        bool, typer.Option("--path", help="Print the longest path of each sub-block.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Fail when a path is longer than allowed.")
    ] = False,
) -> None:
    """Gates, flip-flops, memory bits and the longest path between registers, per sub-block.

    With --unit core: of the core in each of its configurations.

    Paths are counted in levels of two-input gates; docs/reference/engine-area.md says how.
    """
    config = preset_config(preset)
    from heed import doctor

    doctor.require("area")
    from heed.area.report import LIMIT

    with Progress() as progress:
        rows = _examine(unit.lower(), config, doctor.build_folder() / "area", progress)
    if file is not None:
        try:
            file.write_text(json.dumps([row.as_dict() for row in rows], indent=1) + "\n")
        except OSError as error:
            raise HeedError(f"{file} cannot be written: {error.strerror}") from None
    (_print_cores if unit.lower() == CORE else _print)(rows, f"{unit.lower()} of {config.name}")
    for row in rows if path else ():
        _print_path(row)
    if check:
        if long := [f"{row.name} ({row.levels})" for row in rows if row.levels > LIMIT]:
            raise HeedError(f"paths of more than {LIMIT} levels end in: {', '.join(long)}")
        say(f"no path is longer than {LIMIT} levels")


def _examine(unit: str, config: "ClusterConfig", folder: Path, progress: Progress) -> "list[Row]":
    if unit == CORE:
        from heed.area.cores import examine_cores

        return examine_cores(config, folder, progress)
    from heed.area.report import examine
    from heed.area.units import build

    return examine(build(unit, config), unit, folder, progress)


def _print_cores(rows: "list[Row]", title: str) -> None:
    result = table("configuration", "cells", "flip-flops", "memory bits", "levels")
    for row in rows:
        numbers = (row.cells, row.flip_flops, row.memory_bits, row.levels)
        result.add_row(row.name, *(f"{number:,}" for number in numbers))
    show(title, result)


def _print(rows: "list[Row]", title: str) -> None:
    headings = ("file", "sub-block", "instances", "cells", "flip-flops", "memory bits", "levels")
    result = table(*headings, left=2)
    for row in rows:
        numbers = (row.instances, row.cells, row.flip_flops, row.memory_bits, row.levels)
        result.add_row(row.file, row.name, *(f"{number:,}" for number in numbers))
    show(title, result)


def _print_path(row: "Row") -> None:
    if row.path:
        say(f"{row.name}: {row.levels} levels")
        for point in row.path:
            say(f"  {point.level:4}  {point.net}")
