"""The build of the simulator's library."""

import os
import shutil
import subprocess

import pytest

from hw.presets import TINY
from sw_model.iss import Iss, IssError, build


def test_is_kept_by_content(tmp_path):
    first = build.build(tmp_path / "new" / "folder")
    stamp = first.stat().st_mtime_ns
    assert build.build(tmp_path / "new" / "folder") == first
    assert first.stat().st_mtime_ns == stamp
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_other_flags_are_another_library(tmp_path, monkeypatch):
    first = build._key({})
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-O1"))
    assert build._key({}) != first


def test_old_libraries_are_deleted(tmp_path):
    for number in range(build.KEPT + 3):
        old = tmp_path / f"heed-iss-{number}.so"
        old.write_text("")
        os.utime(old, (number, number))
    newest = build.build(tmp_path)
    names = {f"heed-iss-{number}.so" for number in range(4, build.KEPT + 3)}
    assert {path.name for path in tmp_path.iterdir()} == {newest.name, *names}


def test_no_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(IssError, match="install the package g\\+\\+"):
        Iss(TINY, tmp_path)


def test_compiler_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-DNEVER=", "-include", "nothing.h"))
    with pytest.raises(IssError, match="cannot compile the simulator: .*nothing.h"):
        build.build(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(IssError, match="cannot write"):
        Iss(TINY, file)


def test_no_warnings():
    """Neither with further checks of the compiler."""
    compiler = shutil.which("g++")
    sources = sorted(str(path) for path in build.SOURCES.glob("*.cpp"))
    flags = ["-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow=local", "-Werror"]
    command = [compiler, *flags, f"-I{build.REGISTERS.parent}", *sources]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
