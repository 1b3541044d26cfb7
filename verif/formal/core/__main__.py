"""`python -m verif.formal.core`: prove what is known of the core, and find its planted bugs."""

import argparse
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

from amaranth.hdl import UnusedElaboratable

from verif.formal.core.solver import Outcome, missing_tools
from verif.formal.core.suite import PROOFS
from verif.formal.harness import ProofError


def main(arguments: list[str] | None = None) -> int:
    """Run the proofs that are asked for; return 1 when one fails, 2 when none can run."""
    parser = argparse.ArgumentParser(prog="python -m verif.formal.core", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="proofs to run; all without any")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="solvers at a time")
    parser.add_argument("--list", action="store_true", help="only name the proofs")
    parser.add_argument("--no-bugs", action="store_true", help="without covers and planted bugs")
    chosen = parser.parse_args(arguments)
    names = [proof.name for proof in PROOFS]
    if chosen.list:
        print("\n".join(names))
        return 0
    if unknown := set(chosen.names) - set(names):
        print(f"no proof is called {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
        return 2
    if chosen.jobs < 1:
        print(f"--jobs is {chosen.jobs}, but must be 1 or more")
        return 2
    if missing := missing_tools():
        print(f"{', '.join(missing)} not found; make formal-core installs what proofs need")
        return 2
    # Units are made for their ports alone.
    warnings.simplefilter("ignore", UnusedElaboratable)
    steps = []
    for proof in PROOFS:
        if proof.name in (chosen.names or names):
            steps += list(proof.steps())[: 1 if chosen.no_bugs else None]
    began = time.monotonic()
    failures = 0
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for passed, line in pool.map(_one, steps):
            failures += not passed
            print(line, flush=True)
    print(f"{len(steps) - failures} of {len(steps)} as they should be", end="")
    print(f", {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


def _one(step):
    name, do = step
    try:
        outcome: Outcome = do()
    except (ProofError, ValueError) as error:  # a bug whose place has changed
        return False, f"FAIL {name}: {error}"
    what = ", ".join(outcome.failed) if outcome.status == "FAIL" else ""
    return True, f"ok   {name:40} {outcome.seconds:7.1f} s {what}"


if __name__ == "__main__":
    sys.exit(main())
