"""`python -m verif.lockstep`: random programs in lockstep, with a table of what they covered."""

import argparse
import random
import sys
import time

from heed.errors import HeedError
from verif.lockstep.build import BuildError
from verif.lockstep.layout import CONFIG
from verif.lockstep.program import Disturbance, RandomProgram
from verif.lockstep.run import Divergence, Result, run

BIG_RUN = 500_000
"""Instructions from which on a run must have seen everything."""


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m verif.lockstep", description=__doc__)
    parser.add_argument("--programs", type=int, default=20, help="how many (20)")
    parser.add_argument("--length", type=int, default=10_000, help="instructions a hart (10000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first program (1)")
    parser.add_argument("--grant", type=int, help="256ths: TCDM requests that get through")
    parser.add_argument("--stall", type=int, help="256ths: fetches, main memory that wait")
    parser.add_argument("--interrupts", type=int, help="65536ths: interrupts a cycle")
    parser.add_argument("--phase", type=int, help="cycles before the start")
    parser.add_argument("--table", action="store_true", help="print the whole table")
    return parser.parse_args()


def _disturbance(options: argparse.Namespace, seed: int) -> Disturbance | None:
    """What the options say; None leaves it to the program's seed."""
    names = ("grant", "stall", "interrupts", "phase")
    given = {n: getattr(options, n) for n in names if getattr(options, n) is not None}
    if not given:
        return None
    drawn = Disturbance.draw(random.Random(seed))
    return Disturbance(**{n: given.get(n, getattr(drawn, n)) for n in names})


def main() -> int:
    options = _parse()
    started = time.monotonic()

    def progress(result: Result) -> None:
        if result.programs % 20 == 0:
            print(f"{result.programs} programs, {result.compared} instructions", flush=True)

    def program(seed: int) -> RandomProgram:
        return RandomProgram(seed, options.length, disturbance=_disturbance(options, seed))

    try:
        if options.programs < 1:
            raise HeedError(f"programs is {options.programs}, but must be 1 or more")
        program(options.seed)  # what the options allow shows before anything is built
        result = run(
            (program(options.seed + number) for number in range(options.programs)),
            progress=progress,
        )
    except (Divergence, BuildError, HeedError) as error:
        print(error)
        return 1
    seconds = time.monotonic() - started
    coverage = result.coverage
    if options.table:
        print(coverage.table())
    print(
        f"{result.programs} programs, {result.compared} instructions compared in "
        f"{result.cycles} cycles, {seconds:.0f} s: all equal"
    )
    print(", ".join(f"{name}: {number}" for name, number in coverage.events.items()))
    if missing := coverage.missing(CONFIG):
        print(f"never seen: {', '.join(missing)}")
    return int(bool(missing) and result.compared >= BIG_RUN)


if __name__ == "__main__":
    sys.exit(main())
