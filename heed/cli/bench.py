"""`heed bench`: cycles measured on the RTL, as a page of the reference."""

from pathlib import Path
from typing import Annotated

import typer

from heed.cli.ui import Progress, say
from heed.errors import HeedError

NAME = "bench"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "benchmarks.md"


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page to write.", show_default=False)
    ] = PAGE,
    check: Annotated[bool, typer.Option(help="Write nothing; fail when the page differs.")] = False,
) -> None:
    """Measure networks layer by layer on every preset.

    The tables go to docs/reference/benchmarks.md.
    """
    from heed import doctor

    doctor.require("bench")
    from heed.bench import page
    from hw.presets import PRESETS

    with Progress() as progress:
        text = page(PRESETS.values(), progress)
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
