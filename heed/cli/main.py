"""Entry point of the command line, and the one place where errors become messages."""

import sys
from typing import Annotated

import typer

from heed import __version__
from heed.cli import accuracy, area, audit, bench, doctor, exec, generate, sim, verilog
from heed.cli.ui import complain
from heed.errors import HeedError

app = typer.Typer(
    name="heed",
    help="Heed, a tinyML cluster for 8-bit Transformers: simulate it, program it, build it.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (sim, exec, verilog, area, audit, doctor, accuracy, generate):
    app.command(verb.NAME)(verb.command)
app.add_typer(bench.group, name=bench.NAME)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"heed {__version__}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Words after `heed`; those of the process when left out.

    Returns
    -------
    int
        Exit status: 0, that of the program run, 1 (failed), 2 (asked for wrongly) or 130
        (interrupted). What a user can put right is one message on stderr, without a traceback.
    """
    from hw.config import ConfigError

    try:
        result = app(args=arguments, prog_name="heed", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except HeedError as error:
        complain(error.message, error.hint)
        return error.status
    except ConfigError as error:
        complain(str(error))
        return 2
    except typer.TyperException as error:
        complain(
            error.format_message(), "heed --help lists the verbs, heed VERB --help its options"
        )
        return error.exit_code
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("heed", "hw", "sw_model", "firmware", "verif"):
            raise
        complain(f"the Python package {package} is missing", "heed doctor says what to install")
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
