"""Compiles the simulator's library and keeps it by its content."""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
REGISTERS = SOURCES.parents[1] / "firmware" / "include" / "generated" / "heed_regs.h"
FLAGS = ("-std=c++17", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared")

KEPT = 8
"""Libraries that stay in a folder; older ones are deleted."""


class IssError(Exception):
    """The simulator cannot be built, or cannot run what it was asked to."""


def library(folder: Path) -> ctypes.CDLL:
    """Return the library out of `folder`, compiled into it unless it is there.

    Raises
    ------
    IssError
        There is no compiler, it fails, or the folder cannot be written.
    """
    return _load(str(build(Path(folder))))


@cache
def _load(path: str) -> ctypes.CDLL:
    return ctypes.CDLL(path)


def build(folder: Path) -> Path:
    """Return the library's file; any number of processes may build at the same time."""
    files = [*sorted(SOURCES.glob("*.h")), *sorted(SOURCES.glob("*.cpp")), REGISTERS]
    texts = {path.name: path.read_bytes() for path in files}
    target = folder / f"heed-iss-{_key(texts)}.so"
    if target.exists():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".iss-") as scratch:
            for name, text in texts.items():
                Path(scratch, name).write_bytes(text)
            _compile(sorted(name for name in texts if name.endswith(".cpp")), scratch)
            os.replace(Path(scratch, "iss.so"), target)
        _prune(folder)
    except OSError as error:
        raise IssError(f"cannot write {folder}: {error.strerror}") from None
    return target


def _prune(folder: Path) -> None:
    """Delete the oldest libraries; whoever has one open keeps it."""
    libraries = sorted(folder.glob("heed-iss-*.so"), key=lambda path: path.stat().st_mtime)
    for path in libraries[:-KEPT]:
        path.unlink(missing_ok=True)


def _compiler() -> str:
    found = shutil.which("g++")
    if not found:
        raise IssError(
            "the instruction-set simulator is compiled with g++, which is not there: install the "
            "package g++"
        )
    return found


@cache
def _version(compiler: str) -> str:
    shown = subprocess.run([compiler, "--version"], capture_output=True, text=True)
    return shown.stdout.split("\n", 1)[0]


def _key(texts: dict[str, bytes]) -> str:
    digest = hashlib.sha256("\0".join([*FLAGS, _version(_compiler())]).encode())
    for name, text in texts.items():
        digest.update(hashlib.sha256(name.encode()).digest())
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()[:20]


def _compile(sources: list[str], folder: str) -> None:
    done = subprocess.run(
        [_compiler(), *FLAGS, *sources, "-o", "iss.so"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "rror" in line]
        raise IssError("cannot compile the simulator: " + " / ".join(lines[:3]))
