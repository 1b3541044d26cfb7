"""`heed accuracy`: how well the bundled network does in float and in int8."""

from typing import Annotated

import typer

from heed.cli.options import count
from heed.cli.ui import Progress, show, table

NAME = "accuracy"


def command(
    seeds: Annotated[
        int,
        typer.Option(
            parser=count, metavar="N", help="Seeds; seed 0 is bundled, others are trained."
        ),
    ] = 1,
) -> None:
    """Held-out accuracy of the bundled network, float against int8, for one seed or several."""
    from heed import doctor

    doctor.require("train" if seeds > 1 else "accuracy")
    from heed.zoo.digits_vit import accuracy

    with Progress() as progress:
        rows = accuracy.report(list(range(seeds)), progress)
    result = table("seed", "images", "float", "int8", "difference")
    for row in rows:
        result.add_row(
            str(row.seed),
            str(row.images),
            f"{100 * row.float_accuracy:.2f} %",
            f"{100 * row.int8_accuracy:.2f} %",
            f"{100 * (row.int8_accuracy - row.float_accuracy):+.2f}",
        )
    show("digits_vit, held-out images", result)
