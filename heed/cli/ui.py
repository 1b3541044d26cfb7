"""What the verbs share on the terminal: tables, progress, messages.

On a terminal there is colour and a spinner; in a pipe the same text, a line a message, with no
control characters.
"""

import re
import sys
import time
from types import TracebackType
from typing import IO, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

PIPE_WIDTH = 160


def console(stream: IO[str] | None = None) -> Console:
    """A console on `stream` (standard output unless given), wide enough for tables in a pipe."""
    stream = stream or sys.stdout
    return Console(
        file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False, soft_wrap=False
    )


def say(text: str = "", style: str | None = None) -> None:
    """Print one line on standard output; `text` is taken literally."""
    console().print(text, style=style, markup=False, soft_wrap=True)


def complain(message: str, hint: str | None = None) -> None:
    """Print an error on standard error: the message, and what to do about it."""
    err = console(sys.stderr)
    err.print(f"[bold red]heed:[/] {escape(message)}", soft_wrap=True)
    if hint:
        err.print(f"      {escape(hint)}", soft_wrap=True)


def table(*columns: str, left: int = 1) -> Table:
    """A table whose first `left` columns are text and the others numbers."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        result.add_column(name, justify="left" if index < left else "right", no_wrap=True)
    return result


def show(title: str, content: Table) -> None:
    """Print a table below its title, without blanks at the ends of lines."""
    out = console()
    with out.capture() as captured:
        out.print(f"[bold]{escape(title)}[/]")
        out.print(content)
    lines = captured.get().splitlines()
    out.file.write("\n".join(line.rstrip() for line in lines) + "\n")


class Progress:
    """Says on standard error what is going on and for how long; use as a context manager.

    Call it with a message: the step before is over, the next one begins. A message that differs
    from the one before in numbers only (3 of 80 ...) is the same step, further on. It is the
    `progress(str)` callback that the builders and runners take.
    """

    PIPE_SECONDS = 5.0
    """In a pipe, how often the same step may say how far it is."""

    def __init__(self) -> None:
        self._console = console(sys.stderr)
        self._status: Status | None = None
        self._step = ""
        self._message = ""
        self._begin = self._said = 0.0

    def __enter__(self) -> Self:
        return self

    def __call__(self, message: str) -> None:
        now = time.monotonic()
        step = re.sub(r"[0-9]+", "#", message)
        same, self._step = step == self._step, step
        if not same:
            self.pause()
            self._begin = now
        self._message = message
        if self._console.is_terminal:
            if self._status is None:
                self._status = self._console.status("")
                self._status.start()
            self._status.update(escape(message))
        elif not same or now - self._said > self.PIPE_SECONDS:
            self._said = now
            self._line(message)

    def _line(self, text: str) -> None:
        style = "dim" if self._console.is_terminal else None
        self._console.print(f"heed: {text}", style=style, markup=False, soft_wrap=True)

    def pause(self) -> None:
        """End the current step, so that others can write on the terminal."""
        if self._status is not None:
            self._status.stop()
            self._status = None
            self._line(f"{self._message} ({time.monotonic() - self._begin:.1f} s)")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pause()
