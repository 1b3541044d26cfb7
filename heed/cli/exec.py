"""`heed exec`: a bare RV32 program on the simulated cluster, or on the simulator core."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from heed.cli.options import (
    From,
    Preset,
    Target,
    To,
    Waves,
    check_output,
    count,
    preset_config,
    wave_window,
)
from heed.cli.ui import Progress, complain
from heed.errors import HeedError

NAME = "exec"


def _write_console(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def command(
    program: Annotated[Path, typer.Argument(help="The program, an ELF file for RV32.")],
    target: Target = "rtl",
    preset: Preset = "tiny",
    cores: Annotated[
        int, typer.Option(parser=count, metavar="N", help="Cores to start, from hart 0 on.")
    ] = 1,
    max_cycles: Annotated[
        int, typer.Option(parser=count, metavar="N", help="End the run after so many cycles.")
    ] = (50_000_000),
    signature: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the words from begin_signature to end_signature to this file.",
        ),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a line an instruction to this file."),
    ] = None,
    lockstep: Annotated[
        bool,
        typer.Option(
            "--lockstep", help="Compare every instruction with the instruction-set simulator."
        ),
    ] = False,
    waves: Waves = None,
    first: From = None,
    last: To = None,
) -> None:
    """Run a bare RV32 ELF; exits with the program's status.

    What the program writes to the console appears as it happens.

    A run that reaches --max-cycles prints each hart's program counter and exits with 124. A trap
    whose handler lies in no memory prints what happened where and exits with 125. With --lockstep,
    a difference ends the run, is shown with the last instructions, and the status is 1.
    """
    config = preset_config(preset)
    window = wave_window(waves, first, last)
    for name, file in (("--signature", signature), ("--trace", trace)):
        check_output(name, file)
    for name, wanted in (("--waves", window), ("--lockstep", lockstep)):
        if wanted and target != "rtl":
            raise HeedError(f"{name} needs --target rtl, but the target is {target}", status=2)
    if cores > config.harts:
        raise HeedError(
            f"--cores is {cores}, but preset {config.name} has {config.harts}", status=2
        )
    if target == "rtl":
        from heed import doctor

        doctor.require("exec")
    from heed.exec import execute

    with Progress() as progress:

        def console(data: bytes) -> None:
            progress.pause()
            _write_console(data)

        result = execute(
            program,
            config=config,
            target=target,
            cores=cores,
            max_cycles=max_cycles,
            signature=signature,
            trace=trace,
            lockstep=lockstep,
            waves=window,
            console=console,
            progress=progress,
        )
    if result.compared is not None:
        typer.echo(f"{result.compared} instructions compared", err=True)
    if result.trap:
        complain(f"{program}: {result.trap}")
    elif not result.exited:
        places = ", ".join(f"hart {hart}: {pc:#010x}" for hart, pc in enumerate(result.pcs[:cores]))
        complain(f"{program} did not end within {max_cycles} cycles; {places}")
    raise typer.Exit(result.status)
