"""How fast the simulators are: `python -m heed.simulator.speed [preset ...]` prints tables."""

import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from heed.bench.core_programs import PROGRAMS
from heed.cli.ui import Progress, show, table
from heed.errors import HeedError
from heed.simulator.iss import IssSimulator
from heed.simulator.result import RunResult
from heed.simulator.simulator import Simulator
from heed.toolchain import compile
from heed.toolchain.compiler import FIRMWARE
from hw.config import ClusterConfig
from hw.presets import PRESETS, preset

CYCLES = 200_000
"""Length of runs whose program never ends."""
ENOUGH = 1 << 40
"""More cycles than any program takes that ends."""
MATMUL = PROGRAMS[0]
REPEATS = {"rtl": 2, "iss": 400}
"""How often each busy core multiplies the matrices."""
IDLE = {
    "cores asleep": ("sleep", {}),
    "engine multiplying, cores asleep": ("engine", {"REPEATS": 1_000_000}),
}
"""Programs of firmware/tests, with definitions, for hart 0."""
BUSY = (1, 2, 8)
"""How many cores are busy, as far as a configuration has them."""


@dataclass(frozen=True)
class Speed:
    """How fast a run was.

    Parameters
    ----------
    target, case
    cycles
        Simulated; the instruction-set simulator estimates them.
    instructions
        Executed by all harts together, where that was counted.
    seconds, cpu_seconds
        Of this computer: elapsed, and of the processor (with the loading of the program).
    """

    target: str
    case: str
    cycles: int
    instructions: int | None
    seconds: float
    cpu_seconds: float

    def texts(self) -> list[str]:
        """Return the cells of a row under HEADINGS."""
        cells = [self.target, self.case]
        for seconds in (self.seconds, self.cpu_seconds):
            cells.append(f"{self.cycles / seconds / 1e3:,.0f}")
            executed = self.instructions
            cells.append("" if executed is None else f"{executed / seconds / 1e6:.3g}")
        return cells


HEADINGS = ("target", "what happens", "kHz", "MIPS", "kHz of CPU time", "MIPS of CPU time")


def _cpu_seconds() -> float:
    """Return the processor time of this process and its children so far."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _timed(run: Callable[[], RunResult]) -> tuple[RunResult, float]:
    before = _cpu_seconds()
    result = run()
    return result, _cpu_seconds() - before


def speeds(config: ClusterConfig, progress: Callable[[str], None]) -> Iterator[Speed]:
    """Measure both simulators; the first use builds them.

    Raises
    ------
    HeedError
        A program fails, or a tool is missing.
    """
    rtl, iss = Simulator.build(config, progress=progress), IssSimulator(config)
    for target, simulator in (("iss", iss), ("rtl", rtl)):
        elf = MATMUL.elf(config, "repeat", {"REPEATS": REPEATS[target]})
        for harts in sorted({min(harts, config.harts) for harts in BUSY}):
            case = f"int8 matmul on {harts} core{'s' if harts > 1 else ''}"
            progress(f"{config.name}: {case}, {target}")
            result, cpu = _timed(
                lambda s=simulator, e=elf, n=harts: s.run(e, harts=n, max_cycles=ENOUGH)
            )
            if result.status:
                raise HeedError(f"{case}, {target}: exit status {result.status}")
            executed = sum(word for _, word in result.mailbox)
            yield Speed(target, case, result.cycles, executed, result.seconds, cpu)
    for case, (name, defines) in IDLE.items():
        elf = compile([FIRMWARE / "tests" / f"{name}.c"], config=config, defines=defines)
        progress(f"{config.name}: {case}, rtl")
        result, cpu = _timed(lambda e=elf: rtl.run(e, max_cycles=CYCLES))
        yield Speed("rtl", case, result.cycles, None, result.seconds, cpu)


def main(names: list[str]) -> None:
    for name in names:
        config = preset(name)
        result = table(*HEADINGS, left=2)
        with Progress() as progress:
            for speed in speeds(config, progress):
                result.add_row(*speed.texts())
        show(config.name.upper(), result)


if __name__ == "__main__":
    main(sys.argv[1:] or list(PRESETS))
