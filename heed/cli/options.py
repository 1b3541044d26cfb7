"""Options that several verbs share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heed.errors import HeedError
from heed.targets import TARGETS

if TYPE_CHECKING:
    from hw.config import ClusterConfig


def _integer(text: str | int, low: int) -> int:
    try:
        value = int(str(text), 0)
    except ValueError:
        value = low - 1
    if value < low:
        raise typer.BadParameter(f"{text} is not an integer of {low} or more")
    return value


def count(text: str) -> int:
    """An integer of 1 or more; the message names the value."""
    return _integer(text, 1)


def cycle(text: str) -> int:
    """An integer of 0 or more; the message names the value."""
    return _integer(text, 0)


def target(text: str) -> str:
    """What programs run on; the message names the value and what there is."""
    if text not in TARGETS:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(TARGETS)}")
    return text


Target = Annotated[
    str,
    typer.Option(
        parser=target, metavar="rtl|iss", help="The RTL, or the instruction-set simulator."
    ),
]
Preset = Annotated[str, typer.Option(help="Configuration of the cluster: tiny or paper.")]
Waves = Annotated[
    Path | None, typer.Option(help="Write waveforms (VCD) to this file, with viewer save files.")
]
From = Annotated[
    int | None,
    typer.Option("--from", parser=cycle, metavar="CYCLE", help="First cycle in the waveforms."),
]
To = Annotated[
    int | None,
    typer.Option("--to", parser=cycle, metavar="CYCLE", help="Last cycle in the waveforms."),
]


def preset_config(name: str) -> "ClusterConfig":
    """The configuration called `name`."""
    from hw.presets import preset

    return preset(name)


def wave_window(
    file: Path | None, first: int | None, last: int | None
) -> tuple[Path, int, int | None] | None:
    """The window of cycles to trace, checked; None when no waveforms are asked for."""
    if file is None:
        if first is not None or last is not None:
            raise HeedError("--from and --to need --waves FILE", status=2)
        return None
    begin = first or 0
    if last is not None and last < begin:
        raise HeedError(f"--to is {last}, but must not be before --from ({begin})", status=2)
    check_output("--waves", file)
    return file, begin, last


def check_output(option: str, file: Path | None) -> None:
    """Refuse a file that an option asks to write, but that cannot be one.

    Raises
    ------
    HeedError
        Its folder does not exist, or it is a folder.
    """
    if file is None:
        return
    if not file.absolute().parent.is_dir():
        raise HeedError(
            f"{option} {file}: the folder {file.absolute().parent} does not exist", status=2
        )
    if file.is_dir():
        raise HeedError(f"{option} {file}: is a folder, but must be a file", status=2)


def read_text(file: Path) -> str:
    """Return what a file holds.

    Raises
    ------
    HeedError
        It cannot be read.
    """
    try:
        return file.read_text()
    except OSError as error:
        raise HeedError(f"{file} cannot be read: {error.strerror}", status=2) from None


def write_text(file: Path, text: str) -> None:
    """Write a file.

    Raises
    ------
    HeedError
        It cannot be written.
    """
    try:
        file.write_text(text)
    except OSError as error:
        raise HeedError(f"{file} cannot be written: {error.strerror}") from None
