"""How fast the simulators are: `python -m heed.simulator.speed [preset ...]` prints a table."""

import resource
import sys
import time
from pathlib import Path

from heed.simulator.result import RunResult
from heed.simulator.simulator import Simulator
from heed.toolchain import compile
from hw.config import ClusterConfig
from hw.presets import PRESETS, preset

PROGRAMS = Path(__file__).resolve().parent.parent.parent / "firmware" / "tests"
CYCLES = 200_000

CASES = (
    ("no core started but one, asleep", "sleep", False, {}),
    ("all cores in a loop", "busy", True, {"WORK": "0"}),
    ("all cores loading from TCDM", "busy", True, {"WORK": "1"}),
    ("engine multiplying, cores asleep", "engine", False, {"REPEATS": "1000000"}),
)
"""What happens; program, whether all cores run, and its definitions."""


def measure(config: ClusterConfig, case: tuple) -> RunResult:
    """Run one of `CASES` for `CYCLES` cycles."""
    _, name, every_core, defines = case
    elf = compile([PROGRAMS / f"{name}.c"], config=config, defines=defines)
    simulator = Simulator.build(config)
    return simulator.run(elf, harts=config.harts if every_core else 1, max_cycles=CYCLES)


def _cpu_seconds() -> float:
    """Return the processor time of all child processes so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(names: list[str]) -> None:
    for name in names:
        config = preset(name)
        begin, cpu = time.monotonic(), _cpu_seconds()
        Simulator.build(config, progress=lambda text: print(f"  {text}", file=sys.stderr))
        elapsed, cpu = time.monotonic() - begin, _cpu_seconds() - cpu
        print(f"{config.name.upper()}: simulator ready after {elapsed:.1f} s ({cpu:.1f} s of CPU)")
        print(f"  {'':<34} kHz   kHz of CPU time")
        for case in CASES:
            measure(config, case)  # the compiler is not to be timed
            cpu = _cpu_seconds()
            result = measure(config, case)
            cpu = _cpu_seconds() - cpu
            print(f"  {case[0]:<34} {result.khz:3.0f} {result.cycles / cpu / 1000:6.0f}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(PRESETS))
