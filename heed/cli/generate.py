"""`heed generate`: files derived from the sources of truth."""

from typing import Annotated

import typer

from heed.cli.ui import say
from heed.errors import HeedError

NAME = "generate"


def command(
    check: Annotated[bool, typer.Option(help="Write nothing; fail when a file is stale.")] = False,
) -> None:
    """Write the C header and the reference pages that are derived from hw/regmap.py."""
    from hw.generate import generate

    stale = [str(path) for path in generate(check=check)]
    if check and stale:
        raise HeedError(
            f"generated files are stale: {', '.join(stale)}", "heed generate brings them up to date"
        )
    for path in stale:
        say(f"wrote {path}")
    if not stale:
        say("generated files are current")
