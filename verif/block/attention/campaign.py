"""The campaign of random jobs: `python -m verif.block.attention.campaign`, or `make campaign`.

Random jobs of every kind, queued back to back, many of which work on one another's results, on
the engine in Verilator with requests refused at random; some rounds end with a soft clear. After
each round the whole scratchpad is compared with the model's, with the events, and with the words
that the counters say were read and written; at one event in the middle too.

Prints what those jobs covered that ended by themselves. Exit status 0: no mismatch, no hang, and
everything was covered.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hw.bench.engine_top import EngineTop
from verif.lib.configs import CONFIGS, find_config
from verif.lib.engine_coverage import Coverage
from verif.lib.runner import run_tests


@dataclass(frozen=True)
class Outcome:
    """What a campaign did: rounds, jobs, jobs done, cleared rounds, cycles, and the coverage."""

    rounds: int
    jobs: int
    done: int
    cleared: int
    cycles: int
    coverage: Coverage


class Mismatch(Exception):
    """A round failed; the message says why and how to repeat it."""


@cache
def engine(name: str) -> EngineTop:
    """Return one component a configuration, so that it is converted once."""
    return EngineTop(config=find_config(name))


def run_campaign(name: str, jobs: int, seed: int, only: int | None = None) -> Outcome:
    """Run the rounds of `jobs` jobs, or one of them, on a configuration."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        env = {"CONFIG": name, "JOBS": str(jobs), "SEED": str(seed), "REPORT": str(report)}
        if only is not None:
            env["ONLY"] = str(only)
        try:
            run_tests(
                engine(name), top="top", test_module="verif.block.attention.tb_campaign", env=env
            )
        except AssertionError as error:
            raise Mismatch(f"{error}\n{_repeat(name, jobs, seed, report)}") from None
        told = json.loads(report.read_text())
    coverage = Coverage(find_config(name))
    coverage.merge(told.pop("coverage"))
    told.pop("round")
    return Outcome(coverage=coverage, **told)


def _repeat(name: str, jobs: int, seed: int, report: Path) -> str:
    """Say how a failure can be repeated."""
    command = (
        f"python -m verif.block.attention.campaign --config {name} --jobs {jobs} --seed {seed}"
    )
    if not report.exists():
        return f"Repeat: {command}"
    number = json.loads(report.read_text())["round"]
    return (
        f"Repeat: {command} --only {number}\n"
        "If that passes, it depends on the rounds before: leave --only out."
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=4000, help="how many, at least (4000)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (1)")
    parser.add_argument("--config", default="tiny", help=f"{', '.join(CONFIGS)} or NxM (tiny)")
    parser.add_argument("--only", type=int, help="number of the one round to run")
    options = parser.parse_args(arguments)
    begin = time.monotonic()
    try:
        outcome = run_campaign(options.config, options.jobs, options.seed, options.only)
    except Mismatch as error:
        print(error)
        return 1
    print(outcome.coverage.report())
    missing = outcome.coverage.missing()
    for name in missing:
        print(f"never: {name}")
    print(
        f"{options.config}, seed {options.seed}: {outcome.jobs} jobs in {outcome.rounds} rounds, "
        f"{outcome.cleared} of them ended by a soft clear ({outcome.jobs - outcome.done} jobs "
        f"aborted or dropped), {outcome.cycles} cycles, {time.monotonic() - begin:.0f} s: "
        f"no mismatch, no hang"
    )
    return 0 if options.only is not None or not missing else 1


if __name__ == "__main__":
    sys.exit(main())
