"""Runs random programs in lockstep, and says what they covered."""

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from hw.config import ClusterConfig
from sw_model.iss.lockstep import explain
from verif.lockstep.build import build
from verif.lockstep.layout import CONFIG
from verif.lockstep.program import RandomProgram
from verif.lockstep.words import FORMS


class Divergence(AssertionError):
    """RTL and simulator core disagree, or a hart hangs; the message shows where."""


@dataclass
class Coverage:
    """What ran: counts by kind.

    Attributes
    ----------
    instructions : dict
        How often each instruction of the table retired.
    events : dict
        Exceptions and interrupts by cause, ends of hardware loops, and more.
    """

    instructions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FORMS, 0))
    events: dict[str, int] = field(default_factory=dict)

    def add(self, counts: dict) -> None:
        """Add the harness's counts."""
        for key, number in zip(FORMS, counts["rows"], strict=True):
            self.instructions[key] += number
        for cause, number in enumerate(counts["exceptions"]):
            self._event(f"exception {cause}", number)
        for cause, number in enumerate(counts["interrupts"]):
            self._event(f"interrupt {cause}", number)
        for loop, number in enumerate(counts["loop_ends"]):
            self._event(f"end of loop {loop}", number)
        self._event("taken branch", counts["taken"])
        names = [f"sc.w {end} in {where}" for where in ("TCDM", "main memory") for end in _ENDS]
        for name, number in zip(names, counts["conditional"], strict=True):
            self._event(name, number)
        self._event("refused request", counts["refused"])

    def _event(self, name: str, number: int) -> None:
        if number:
            self.events[name] = self.events.get(name, 0) + number

    def missing(self, config: ClusterConfig) -> list[str]:
        """Instructions and events that a core of `config` has, and that never came."""
        groups = {"i", *config.core.groups}
        rows = [key for key, form in FORMS.items() if form.row.group in groups]
        events = [f"exception {cause}" for cause in (0, 1, 2, 3, 4, 5, 6, 7, 11)]
        events += [f"interrupt {cause}" for cause in (3, 7, 11)]
        if "xcv_hwlp" in groups:
            events += ["end of loop 0", "end of loop 1"]
        if "a" in groups:
            events += [
                f"sc.w {end} in {where}" for where in ("TCDM", "main memory") for end in _ENDS
            ]
        return [key for key in rows if not self.instructions[key]] + [
            name for name in events if not self.events.get(name)
        ]

    def table(self) -> str:
        """All counts as text, in columns."""
        counts = [*self.instructions.items(), *self.events.items()]
        cells = [f"{name:<28} {number:>9}" for name, number in counts]
        third = -(-len(cells) // 3)
        return "\n".join("   ".join(cells[row::third]) for row in range(third))


_ENDS = ("fails", "succeeds")


@dataclass
class Result:
    """Sums over all programs."""

    programs: int = 0
    compared: int = 0
    cycles: int = 0
    coverage: Coverage = field(default_factory=Coverage)


def run(
    programs: Iterable[RandomProgram],
    *,
    config: ClusterConfig = CONFIG,
    quick: bool = False,
    progress: Callable[[Result], None] | None = None,
) -> Result:
    """Run programs, one after the other, and compare every retired instruction.

    Parameters
    ----------
    programs
        Made one by one while others run.
    config
        Of the machine; its memories must be those of `CONFIG`.
    quick
        Build without optimising; runs more slowly.
    progress
        Called after each program.

    Raises
    ------
    Divergence
        At the first difference.
    """
    harness = build(config, quick=quick)
    result = Result()
    diverged = None
    with subprocess.Popen(
        [str(harness)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        feeder = _Feeder(process.stdin, programs)
        for line in process.stdout:
            outcome = json.loads(line)
            if "rows" in outcome:
                result.coverage.add(outcome)
                continue
            result.programs += 1
            result.compared = outcome["compared"]
            result.cycles += outcome["cycles"]
            if outcome["report"]:
                diverged = outcome
            elif progress:
                progress(result)
        message = process.stderr.read().decode()
    feeder.join()
    if diverged:
        raise Divergence(
            f"program with seed {diverged['seed']}: {explain(diverged['report'])}"
            f"again: python -m verif.lockstep {feeder.options[diverged['seed']]}"
        )
    if feeder.error:
        raise feeder.error
    if process.returncode:
        raise Divergence(f"the harness stopped with {process.returncode}: {message}")
    return result


class _Feeder(threading.Thread):
    """Hands programs to the harness while it runs earlier ones."""

    def __init__(self, pipe: BinaryIO, programs: Iterable[RandomProgram]):
        super().__init__(daemon=True)
        self._pipe = pipe
        self._programs = programs
        self.options: dict[int, str] = {}
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            with contextlib.suppress(BrokenPipeError), self._pipe:
                for program in self._programs:
                    self.options[program.seed] = program.options
                    self._pipe.write(program.pack())
        except Exception as error:  # for whoever waits
            self.error = error
