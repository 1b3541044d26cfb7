"""`heed doctor`: what is there, what is missing."""

from typing import Annotated

import typer

from heed.cli.ui import say, show, table

NAME = "doctor"


def command(
    for_: Annotated[
        str | None, typer.Option("--for", metavar="VERB", help="Only what this verb needs.")
    ] = None,
    quiet: Annotated[bool, typer.Option(help="Print only what is wrong.")] = False,
) -> None:
    """Say which tools, versions, headers and disk space are there and what to install.

    Exits with 1 when something that is needed is missing.
    """
    from heed import doctor

    if quiet and for_:
        doctor.require(for_)
        return
    checks = doctor.examine(verb=for_)
    shown = [check for check in checks if check.problem or not quiet]
    if shown:
        report = table("what", "found", "for", left=3)
        for check in shown:
            mark = "" if check.fine else "[bold red]missing or unfit[/]"
            report.add_row(check.name, check.found or mark or "(optional) no", check.purpose)
        show("This machine", report)
    wrong = [check for check in checks if not check.fine]
    for check in wrong:
        say(f"{check.problem}: {check.install}", style="bold red")
    for check in checks:
        if check.problem and check.fine and not quiet:
            say(f"optional: {check.problem}: {check.install}")
    if wrong:
        raise typer.Exit(1)
    if not quiet:
        say("everything that is needed is there", style="green")
