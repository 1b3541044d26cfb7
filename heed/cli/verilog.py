"""`heed verilog`: synthesisable Verilog for other flows."""

from pathlib import Path
from typing import Annotated

import typer

from heed.cli.options import Preset, preset_config
from heed.cli.ui import Progress, say, show, table

NAME = "verilog"


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    preset: Preset = "tiny",
    unit: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this: engine, crossbar, core, cluster.")
    ] = None,
    rvfi: Annotated[
        bool, typer.Option("--rvfi", help="The core with the RISC-V Formal Interface.")
    ] = False,
    no_xcv: Annotated[
        bool, typer.Option("--no-xcv", help="Cores without XCV and Heed's own instructions.")
    ] = False,
    check: Annotated[
        bool, typer.Option(help="Lint with Verilator and check with Yosys before writing.")
    ] = True,
) -> None:
    """Write synthesisable Verilog of the engine, the crossbar, the core and the cluster.

    With --unit only that one.

    The text is the same from run to run. Nothing is written when a check fails.
    """
    config = preset_config(preset)
    from heed import doctor

    doctor.require("verilog")
    from heed.verilog import choose, without_xcv, write_verilog

    parts = choose(unit, rvfi=rvfi)
    if no_xcv:
        config = without_xcv(config)
    with Progress() as progress:
        files = write_verilog(config, output, parts=parts, checked=check, progress=progress)
    result = table("file", "lines", "KiB")
    for file in files:
        text = file.read_text()
        result.add_row(file.name, f"{text.count(chr(10)):,}", f"{len(text) / 1024:,.0f}")
    show(f"Verilog of {config.name}, in {output}", result)
    say("linted and checked" if check else "not checked")
