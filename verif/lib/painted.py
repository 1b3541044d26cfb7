"""How deep stacks get in a run: they are painted before, and what is no longer painted was used."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from heed.simulator import RunResult
from heed.toolchain import symbols

PAINT = 0xC5


@dataclass
class Painted:
    """A simulator that notes how deep the stacks of programs of `heed.toolchain.compile` get.

    Parameters
    ----------
    simulator
        What runs them.
    elf
        The program that ran last.
    used
        Bytes of each hart's stack that were written in its run.
    """

    simulator: object
    elf: Path | None = None
    used: list[int] = field(default_factory=list)

    @property
    def config(self):
        return self.simulator.config

    def run(self, elf: Path, *, harts: int = 1, loads=(), dumps=(), **options) -> RunResult:
        """Run a program, as `Simulator.run` does; options that are None are left out."""
        names = symbols(elf)
        top, bottom, size = (names[f"__stack_{name}"] for name in ("top", "bottom", "bytes"))
        run = self.simulator.run(
            elf,
            harts=harts,
            loads=[*loads, (bottom, bytes([PAINT]) * (top - bottom))],
            dumps=[*dumps, (bottom, top - bottom)],
            **{name: value for name, value in options.items() if value is not None},
        )
        stacks = np.frombuffer(run.dumps[-1], np.uint8).reshape(-1, size)[::-1] != PAINT
        self.elf = elf
        self.used = [int(size - np.argmax(stack)) if stack.any() else 0 for stack in stacks[:harts]]
        return replace(run, dumps=run.dumps[:-1])
