"""Builds the lockstep harness: Verilated machine, checker and simulator core in one program."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from heed import doctor
from heed.simulator.tools import LEAN_FLAGS, environment, tool_versions
from hw.cluster.main_memory import MAIN_MEMORY_SOURCES
from hw.config import CORE_GROUPS, DEVICE_BASE, MAIN_BASE, TCDM_BASE, WORD_BYTES, ClusterConfig
from hw.core.core import Core
from hw.regmap import EVENTS
from hw.verilog import to_verilog, verilog_sources
from sw_model.isa.table import TABLE
from sw_model.tcdm import locate
from verif.lockstep.shared_core import core_verilog
from verif.lockstep.top import LockstepTop, record_port

ROOT = Path(__file__).resolve().parent.parent.parent
ISS = ROOT / "sw_model" / "iss"
OWN = Path(__file__).resolve().parent
REGISTERS = ROOT / "firmware" / "include" / "generated"
INCLUDES = (f"-I{ISS}", f"-I{OWN}", f"-I{REGISTERS}")
TOP = "lockstep_top"
MODEL = f"V{TOP}"

ISS_SOURCES = ("csr", "decode", "hart", "memory", "execute_*", "lockstep", "lockstep_bus")
"""What lockstep needs of the simulator core; devices and scheduling it has not."""

OWN_SOURCES = ("coverage",)
CXX_FLAGS = ("-std=c++17", "-O2", "-Wall", "-Wextra")
QUICK_FLAGS = ("-CFLAGS", "-O0")
KEPT = 12
"""Builds that stay in the cache."""


class BuildError(RuntimeError):
    """A tool failed; the message shows the end of what it said."""


def build(config: ClusterConfig, *, quick: bool = False) -> Path:
    """Return the harness for `config`, from the cache or freshly built.

    The key is the content of everything that goes in, so that a changed core is built anew. With
    `quick` the compiler does not optimise: for designs that run only a few programs.

    Raises
    ------
    BuildError
        When a tool fails.
    HeedError
        When a tool is missing.
    """
    doctor.require("exec")
    model = _model(config, quick)
    checker = _checker()
    sources = {
        "harness.cpp": (OWN / "harness.cpp").read_text(),
        "lockstep_config.h": _config_header(config),
    }
    key = _hash([model.name, checker.name, *_flat(sources)])

    def make(folder: Path) -> None:
        _write(folder, sources)
        root = _output(["verilator", "--getenv", "VERILATOR_ROOT"])
        command = ["g++", *CXX_FLAGS, f"-isystem{root}/include", f"-isystem{root}/include/vltstd"]
        command += ["-I.", f"-I{model}", f"-I{checker}", *INCLUDES, "harness.cpp", "-o", "harness"]
        # The checker uses nothing of the model; the model's back door is found by name.
        command += [f"{model}/lib{MODEL}.a", f"{model}/libverilated.a", f"{checker}/checker.a"]
        _run([*command, "-pthread", "-lpthread"], folder)

    return _cached("harness", key, make) / "harness"


def compile_with_checker(source: str, program: Path) -> None:
    """Compile a C++ file of this folder with the checker."""
    checker = _checker()
    command = ["g++", *CXX_FLAGS, f"-I{checker}", *INCLUDES, str(OWN / source)]
    _run([*command, f"{checker}/checker.a", "-o", str(program)], program.parent)


def _model(config: ClusterConfig, quick: bool) -> Path:
    """Return the folder of the Verilated machine's archives and headers."""
    core = Core(config=config, rvfi=True)
    sources = {
        f"{TOP}.v": to_verilog(LockstepTop(config=config, core=core.signature), name=TOP),
        "lockstep_core.v": core_verilog(core),
        **{p.name: p.read_text() for p in (*verilog_sources(), *MAIN_MEMORY_SOURCES)},
    }
    flags = [*LEAN_FLAGS, *(QUICK_FLAGS if quick else ())]
    key = _hash([*tool_versions(), *flags, *_flat(sources)])

    def make(folder: Path) -> None:
        _write(folder, sources)
        command = ["verilator", "--cc", *flags, "-Wno-lint", "--timescale", "1ns/1ps"]
        command += ["+define+HEED_BACKDOOR=1", "--top-module", TOP, "--Mdir", "obj", *sources]
        _run(command, folder)
        jobs = f"-j{os.cpu_count() or 1}"
        _run(["make", "-f", f"{MODEL}.mk", jobs, "CFG_CXXFLAGS_PCH_I=-include"], folder / "obj")
        for path in (folder / "obj").iterdir():
            if path.suffix in (".a", ".h"):
                path.rename(folder / path.name)
        shutil.rmtree(folder / "obj")

    return _cached("model", key, make)


def _checker() -> Path:
    """Return the folder of `checker.a`: the simulator core, the checker and its coverage."""
    files = sorted(path for name in ISS_SOURCES for path in ISS.glob(f"{name}.cpp"))
    files += [OWN / f"{name}.cpp" for name in OWN_SOURCES]
    headers = sorted([*ISS.glob("*.h"), *OWN.glob("*.h"), *REGISTERS.glob("*.h")])
    sources = {"lockstep_table.h": _table_header()}
    texts = [path.read_text() for path in (*files, *headers)]
    key = _hash([*tool_versions(), *CXX_FLAGS, *texts, *_flat(sources)])

    def make(folder: Path) -> None:
        _write(folder, sources)
        objects = [f"{path.stem}.o" for path in files]
        compiler = " ".join(["g++", *CXX_FLAGS, "-I.", *INCLUDES])
        text = "".join(
            f"{name}: {path}\n\t{compiler} -c {path} -o {name}\n"
            for name, path in zip(objects, files, strict=True)
        )
        listed = " ".join(objects)
        text = f"checker.a: {listed}\n\tar rcs checker.a {listed}\n{text}"
        (folder / "makefile").write_text(text)
        _run(["make", "-f", "makefile", f"-j{os.cpu_count() or 1}"], folder)
        for name in objects:
            (folder / name).unlink()

    return _cached("checker", key, make)


def _cached(kind: str, key: str, make) -> Path:
    """Return the folder of that key, made in a temporary one unless it is there."""
    root = doctor.build_folder().absolute() / "lockstep"
    root.mkdir(parents=True, exist_ok=True)
    target = root / f"{kind}-{key}"
    with open(root / f"{kind}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            scratch = Path(tempfile.mkdtemp(dir=root, prefix=f".{kind}-"))
            try:
                make(scratch)
                scratch.chmod(0o755)
                scratch.rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        os.utime(target)
        kept = sorted(root.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[KEPT:]:
            shutil.rmtree(path, ignore_errors=True)
    return target


def _output(command: list[str]) -> str:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    return done.stdout.strip()


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()
        errors = [line for line in lines if "rror" in line] or lines
        raise BuildError(f"{command[0]} fails:\n" + "\n".join(errors[:20]))


def _write(folder: Path, sources: dict[str, str]) -> None:
    for name, text in sources.items():
        (folder / name).write_text(text)


def _flat(sources: dict[str, str]) -> Iterable[str]:
    return (text for pair in sources.items() for text in pair)


def _hash(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:20]


def _table_header() -> str:
    """The instruction table for coverage: masks and matches, in the table's order."""
    rows = ",".join(f"{{{row.mask:#x},{row.match:#x}}}" for row in TABLE)
    return (
        "// Generated by verif/lockstep/build.py.\n"
        "#pragma once\n#include <cstdint>\n"
        "struct TableRow { uint32_t mask, match; };\n"
        f"constexpr unsigned kTableRows = {len(TABLE)};\n"
        f"static const TableRow kTable[] = {{{rows}}};\n"
    )


def _config_header(config: ClusterConfig) -> str:
    """What the harness knows of the configuration, and how it reads the trace ports."""
    groups = sum(1 << CORE_GROUPS.index(name) for name in config.core.groups)
    places = [locate(config.tcdm, offset) for offset in range(0, config.tcdm.bytes, WORD_BYTES)]
    tables = "".join(
        f"static const uint16_t {name}[] = {{{','.join(str(place[i]) for place in places)}}};\n"
        for i, name in enumerate(("kTcdmBank", "kTcdmRow"))
    )
    return (
        "// Generated by verif/lockstep/build.py.\n"
        "#pragma once\n#include <cstdint>\n#include <string>\n"
        f'#include "{MODEL}.h"\n#include "config.h"\n#include "retire.h"\n'
        f"constexpr int kHarts = {config.harts};\n"
        f"constexpr uint32_t kTcdmBase = {TCDM_BASE:#x}, kMainBase = {MAIN_BASE:#x};\n"
        f"constexpr uint32_t kBanks = {config.tcdm.banks};\n"
        "static const heed_config kConfig = {"
        f"{config.tcdm.bytes}, {config.main_bytes}, {config.harts}, {groups:#x}, "
        f"{config.core.event_counters}, 0, 0, 0, 0, 0}};\n"
        f'static const char kMainScope[] = "TOP.{TOP}.main_memory.words";\n'
        "inline std::string bank_scope(uint32_t bank) {\n"
        f'    return "TOP.{TOP}.tcdm.bank_" + std::to_string(bank) + ".ram.words";\n'
        "}\n"
        "// Levels as the top shows them, to the bits of mip.\n"
        "inline uint32_t level_mask(uint32_t levels) {\n"
        "    return (levels & 1) << 3 | (levels >> 1 & 1) << 7 | (levels >> 2 & 1) << 11;\n"
        "}\n" + tables + _device_faults(config.harts) + _record_reader(config.harts)
    )


def _device_faults(harts: int) -> str:
    """Which accesses to whole words of devices are answered with an error: all but the event unit's
    registers."""
    offsets = {"": [], "ro": []}
    for register in EVENTS.registers:
        for index in range(min(register.count, harts) if register.count > 1 else 1):
            address = DEVICE_BASE + EVENTS.offset + register.address(index)
            offsets["ro" if register.access == "ro" else ""].append(f"case {address:#x}:")
    return (
        "inline bool device_faults(uint32_t address, bool write) {\n"
        "    switch (address) {\n"
        f"    {' '.join(offsets['ro'])} return write;\n"
        f"    {' '.join(offsets[''])} return false;\n"
        "    default: return true;\n    }\n}\n"
    )


_FIELDS = {
    "mem_time": "heed_mem_time",
    "pc": "pc_rdata",
    "next_pc": "pc_wdata",
    "insn": "insn",
    "rd_wdata": "rd_wdata",
    "rd2_wdata": "heed_rd2_wdata",
    "mem_addr": "mem_addr",
    "mem_rdata": "mem_rdata",
    "mem_wdata": "mem_wdata",
    "rd_addr": "rd_addr",
    "rd2_addr": "heed_rd2_addr",
    "mem_rmask": "mem_rmask",
    "mem_wmask": "mem_wmask",
    "trap": "trap",
    "cause": "heed_cause",
    "irq": "heed_irq",
    "irq_cause": "heed_irq_cause",
}
"""Members of `heed_retire` and the trace port's."""


def _record_reader(harts: int) -> str:
    cases = []
    for hart in range(harts):
        reads = "".join(
            f"        record.{member} = top.{record_port(hart, name)};\n"
            for member, name in _FIELDS.items()
        )
        cases.append(
            f"    if (hart == {hart}) {{\n"
            f"        if (!top.{record_port(hart, 'valid')}) return false;\n{reads}"
            "        return true;\n    }\n"
        )
    return (
        "// The record that a hart shows in this cycle; false without one.\n"
        f"inline bool read_record({MODEL} &top, int hart, heed_retire &record) {{\n"
        + "".join(cases)
        + "    return false;\n}\n"
    )
