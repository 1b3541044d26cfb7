"""Builds native simulators: Verilog, Verilator, C++ compiler, cache."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hw
from heed import doctor
from heed.errors import HeedError
from heed.simulator.tools import LEAN_FLAGS, environment, tool_versions
from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE, WORD_BYTES, ClusterConfig
from hw.regmap import ENGINE, HOST
from sw_model.tcdm import locate

TOP = "sim_top"
HARNESS = [Path(__file__).with_name(name) for name in ("harness.cpp", "records.h")]
CHECKER = Path(__file__).with_name("checker.h")
MODELS = Path(__file__).resolve().parent.parent.parent / "sw_model"
TCDM_MODEL = MODELS / "tcdm.py"
ISS_HEADERS = [MODELS / "iss" / name for name in ("config.h", "retire.h", "lockstep_api.h")]
"""How the instruction-set simulator is told of retired instructions."""
KEPT_BUILDS = 4
"""Builds of one configuration that stay in the cache; older ones are deleted."""

FLAGS = [
    *("--cc", "--exe", *LEAN_FLAGS, "-Wno-lint"),
    *("--timescale", "1ns/1ps", "+define+HEED_BACKDOOR=1", "-LDFLAGS", "-ldl"),
]
WAVE_FLAGS = ("--trace-vcd",)

Report = Callable[[str], None]


@dataclass(frozen=True)
class Design:
    """What simulators are built of.

    Parameters
    ----------
    name : str
        What the builds in the cache are called, together with the configuration; may be empty.
    top : str
        Name of the top module.
    emit
        Returns the text of every source file that the compiler gets, by name.
    """

    name: str
    top: str
    emit: Callable[[ClusterConfig], dict[str, str]]


@dataclass(frozen=True)
class Build:
    """A simulator in the cache."""

    folder: Path

    @property
    def binary(self) -> Path:
        return self.folder / "simulator"


def build(
    config: ClusterConfig, *, waves: bool, progress: Report, design: Design | None = None
) -> Build:
    """Return the simulator of `config`, from the cache or freshly built.

    `design` is the whole cluster when left out: `PLAIN`, or `TRACING`.

    The quick check is a hash of the gateware's sources: only when they changed is the Verilog
    written again, and only when that changed is anything compiled.

    Raises
    ------
    HeedError
        A tool is missing or fails.
    """
    root = doctor.build_folder().absolute() / "simulator"
    design = design or PLAIN
    prefix = f"{design.name}{config.name}{'-waves' if waves else ''}"
    source_key = _hash([json.dumps(config.as_dict()), *_recipe(waves)], _sources())
    index = root / "index" / f"{prefix}-{source_key}"
    index.parent.mkdir(parents=True, exist_ok=True)
    if found := _look_up(root, index):
        return found
    with _lock(root / f"{prefix}.lock", progress):
        if found := _look_up(root, index):
            return found
        doctor.require("exec")
        progress(f"{config.name}: writing Verilog")
        sources = design.emit(config)
        key = _hash([*_recipe(waves), *(text for pair in sources.items() for text in pair)])
        target = Build(root / f"{prefix}-{key}")
        if not target.binary.exists():
            _make(target.folder, sources, design.top, config.name, waves, progress)
        _write_atomically(index, target.folder.name)
        os.utime(target.folder)
        _prune(root, prefix)
        return target


def _recipe(waves: bool) -> tuple[str, ...]:
    """Return what a build depends on besides its sources."""
    return (*FLAGS, *(WAVE_FLAGS if waves else ()), *tool_versions())


def _sources() -> list[Path]:
    """Return the files that decide a simulator: all gateware, harnesses and their makers."""
    gateware = Path(hw.__file__).parent
    own = Path(__file__).parent
    return sorted(
        [*gateware.rglob("*.py"), *gateware.rglob("*.v"), *own.glob("*.cpp"), *own.glob("*.h")]
        + [TCDM_MODEL, *ISS_HEADERS]
        + [own / "build.py", own / "engine.py"]
    )


def _hash(texts: Iterable[str], files: Iterable[Path] = ()) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    for path in files:
        digest.update(hashlib.sha256(path.name.encode()).digest())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:20]


def _look_up(root: Path, index: Path) -> Build | None:
    try:
        found = Build(root / index.read_text())
    except OSError:
        return None
    return found if found.binary.exists() else None


@contextmanager
def _lock(path: Path, progress: Report) -> Iterator[None]:
    """Hold a lock among processes."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another build to finish")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _emit(config: ClusterConfig, *, tracing: bool) -> dict[str, str]:
    """Return the text of every source file that the compiler gets, by name."""
    from hw.cluster.main_memory import MAIN_MEMORY_SOURCES
    from hw.cluster.sim_top import SimTop
    from hw.verilog import to_verilog, verilog_sources

    hand_written = [*verilog_sources(), *MAIN_MEMORY_SOURCES, *HARNESS]
    if tracing:
        hand_written += [CHECKER, *ISS_HEADERS]
    return {
        f"{TOP}.v": to_verilog(SimTop(config=config, rvfi=tracing), name=TOP),
        **{path.name: path.read_text() for path in hand_written},
        "sim_config.h": _config_header(config, tracing),
        **({"levels.vlt": _LEVELS} if tracing else {}),
    }


PLAIN = Design("", TOP, lambda config: _emit(config, tracing=False))
"""A cluster with its main memory."""
TRACING = Design("trace-", TOP, lambda config: _emit(config, tracing=True))
"""The same, with every retired instruction to be seen."""


_LEVELS = f"""\
`verilator_config
public_flat_rd -module "{TOP}.cluster.events" -var "interrupts__*"
"""
"""Lets the harness read the interrupt levels that the event unit sends to the harts."""


def _tracing_header(config: ClusterConfig) -> str:
    """Return what the harness needs besides to hand on retired instructions."""
    from sw_model.iss.interface import Config

    described = Config.of(config, dma=False)
    values = ", ".join(f"{getattr(described, name):#x}" for name, *_ in Config._fields_)
    doorbell = DEVICE_BASE + ENGINE.offset + ENGINE["doorbell"].offset
    return (
        '#include "config.h"\n'
        f"#define HEED_EACH_HART(X) {' '.join(f'X({hart})' for hart in range(config.harts))}\n"
        "#define HEED_LEVEL(hart, name) \\\n"
        f"    {TOP}__DOT__cluster__DOT__events__DOT__interrupts___05F##hart##___05F##name\n"
        f"constexpr uint32_t kDoorbell = {doorbell:#x};\n"
        f"static const heed_config kConfig = {{{values}}};\n"
    )


def _config_header(config: ClusterConfig, tracing: bool) -> str:
    """Return the harness's view of the configuration; TCDM words are mapped by the model."""
    from hw.cluster.sim_top import RESET_CYCLES

    words = range(0, config.tcdm.bytes, WORD_BYTES)
    places = [locate(config.tcdm, offset) for offset in words]

    def table(name: str, values: Iterable[int]) -> str:
        return f"static const uint16_t {name}[] = {{{','.join(map(str, values))}}};\n"

    exit_register = DEVICE_BASE + HOST.offset + HOST["exit"].offset
    return (
        "// Generated by heed/simulator/build.py.\n"
        "#pragma once\n#include <cstdint>\n#include <string>\n"
        f"#define HEED_TRACING {int(tracing)}\n"
        f"constexpr int kHarts = {config.harts}, kResetCycles = {RESET_CYCLES};\n"
        f"constexpr uint32_t kExitRegister = {exit_register:#x};\n"
        f"constexpr uint32_t kTcdmBase = {TCDM_BASE:#x}, kTcdmBytes = {config.tcdm.bytes:#x};\n"
        f"constexpr uint32_t kMainBase = {MAIN_BASE:#x};\n"
        f"constexpr uint32_t kBanks = {config.tcdm.banks};\n"
        f'static const char kMainScope[] = "TOP.{TOP}.main_memory.words";\n'
        "inline std::string bank_scope(uint32_t bank) {\n"
        f'    return "TOP.{TOP}.cluster.tcdm.bank_" + std::to_string(bank) + ".ram.words";\n'
        "}\n"
        + table("kTcdmBank", (bank for bank, _ in places))
        + table("kTcdmRow", (row for _, row in places))
        + (_tracing_header(config) if tracing else "")
    )


def _make(
    folder: Path, sources: dict[str, str], top: str, name: str, waves: bool, progress: Report
) -> None:
    """Build in a temporary folder and rename it to `folder` when everything is there."""
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        for file, text in sources.items():
            (scratch / file).write_text(text)
        progress(f"{name}: translating Verilog to C++")
        inputs = [file for file in sources if file.endswith((".v", ".vlt", ".cpp"))]
        _run(
            ["verilator", *FLAGS, *(WAVE_FLAGS if waves else ()), "--top-module", top]
            + ["--Mdir", "obj", "-o", "../simulator", "-CFLAGS", "-I..", *inputs],
            scratch,
            f"translate the Verilog of {top}",
        )
        _compile(scratch / "obj", top, name, progress)
        shutil.rmtree(scratch / "obj")
        if folder.exists():
            shutil.rmtree(folder)
        scratch.chmod(0o755)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _compile(folder: Path, top: str, name: str, progress: Report) -> None:
    """Run make and report each file that the compiler begins with."""
    total = len(list(folder.glob("*.cpp"))) + 1
    command = ["make", "-f", f"V{top}.mk", f"-j{os.cpu_count() or 1}"]
    command.append("CFG_CXXFLAGS_PCH_I=-include")
    if shutil.which("ccache"):
        command.append("OBJCACHE=ccache")
    log = []
    done = 0
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for line in process.stdout:
                log.append(line)
                if re.search(r"\s-c\s", line):
                    done += 1
                    progress(f"{name}: compiling {min(done, total)} of {total}")
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        _fail("compile the simulator", "".join(log))


def _run(command: list[str], folder: Path, what: str) -> None:
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    if done.returncode:
        _fail(what, done.stdout + done.stderr)


def _fail(what: str, log: str) -> None:
    lines = [line for line in log.splitlines() if "rror" in line] or log.splitlines()
    raise HeedError(f"cannot {what}: " + " / ".join(lines[:3]))


def _write_atomically(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}-{os.getpid()}")
    scratch.write_text(text)
    scratch.rename(path)


def _prune(root: Path, prefix: str) -> None:
    """Delete the oldest builds of one configuration, and what leads nowhere.

    That is index entries without a build, and folders of builds that were killed: whoever prunes
    holds the configuration's lock, so that none of them is in use.
    """
    pattern = re.compile(re.escape(prefix) + r"-[0-9a-f]{20}")
    builds = [path for path in root.iterdir() if pattern.fullmatch(path.name)]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in builds[KEPT_BUILDS:]:
        shutil.rmtree(path, ignore_errors=True)
    for path in root.iterdir():
        if re.fullmatch(rf"\.{pattern.pattern}-\w+", path.name):
            shutil.rmtree(path, ignore_errors=True)
    for entry in (root / "index").iterdir():
        if pattern.fullmatch(entry.name) and not (root / entry.read_text()).exists():
            entry.unlink(missing_ok=True)
