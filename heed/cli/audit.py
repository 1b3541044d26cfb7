"""`heed audit`: what firmware images are made of."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heed.cli.options import Preset, check_output, preset_config, read_text, write_text
from heed.cli.ui import Progress, say, show, table
from heed.errors import HeedError

if TYPE_CHECKING:
    from heed.audit import Audit

NAME = "audit"
MOST_NAMES = 6


def command(
    programs: Annotated[
        list[Path] | None,
        typer.Argument(help="Programs, ELF files for RV32; all of the project when left out."),
    ] = None,
    preset: Preset = "tiny",
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all there is to this file.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PAGE", help="Renew the tables of this page."),
    ] = None,
) -> None:
    """Instructions, sizes and the deepest stack of firmware images.

    Fails when an instruction is none of the preset's cores, when a function calls itself, or when a
    stack can get deeper than it has room. docs/reference/firmware-audit.md says how it is found.
    """
    if programs and output is not None:
        raise HeedError("--output goes without programs: a page has all of the project", status=2)
    check_output("--json", file)
    config = preset_config(preset)
    for program in programs or []:
        if not program.is_file():
            raise HeedError(f"cannot read {program}: there is no such file", status=2)
    old = "" if output is None else read_text(output)
    from heed.audit import Recipe, audit, project_images
    from heed.audit.page import page

    if output is not None:
        try:
            page(old, [])  # complains now rather than after all the work
        except HeedError as error:
            raise HeedError(f"{output}: {error.message}", status=2) from None
    given = [Recipe(str(program), lambda _, elf=program: elf) for program in programs or []]
    audits = []
    with Progress() as progress:
        for recipe in given or project_images():
            progress(f"{config.name}: {recipe.name}")
            own = recipe.on(config)
            audits.append(audit(recipe.make(own), own, recipe.name, recipe.nowhere))
    if file is not None:
        write_text(file, json.dumps([found.as_dict() for found in audits], indent=1) + "\n")
    _print(audits, f"{config.name.upper()}: bytes of firmware images")
    faults = [fault for found in audits for fault in found.faults]
    for fault in faults:
        say(fault)
    if faults:
        bad = ", ".join(found.name for found in audits if found.faults)
        raise HeedError(f"{len(faults)} faults, in {bad}")
    if output is not None:
        write_text(output, page(old, audits))
        say(f"wrote {output}")


def _print(audits: "list[Audit]", title: str) -> None:
    from heed.audit.page import HEADINGS, KERNEL_HEADINGS, kernel_texts, texts

    images = table(*HEADINGS)
    images.columns[-1].justify = "left"
    for found in audits:
        images.add_row(*texts(found))
    show(title, images)
    if rows := kernel_texts(audits):
        kernels = table(*KERNEL_HEADINGS)
        kernels.columns[-1].justify = "left"
        kernels.columns[-1].no_wrap = False  # it is the formulas that give way
        for row in rows:
            kernels.add_row(*row)
        show("kernels", kernels)
    for found in audits:
        for address, function, targets in found.indirect:
            names = ", ".join(targets[:MOST_NAMES]) or "nothing of the image"
            more = f" and {len(targets) - MOST_NAMES} more" if len(targets) > MOST_NAMES else ""
            say(f"{found.name}: {function} calls by pointer at {address:#x}: {names}{more}")
