"""The Makefile where setting up fails: one message, and no stamp that claims success."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder, *words, python=None):
    """Run make in a folder that holds nothing but the Makefile and pyproject.toml."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    words = [*words, f"PYTHON={python}"] if python else words
    # As a user runs it, not as a part of the `make test` that runs this test.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *words], cwd=folder, env=env, capture_output=True, text=True, timeout=60
    )


def fake_python(folder, script):
    file = folder / "python-fake"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def refused(done, folder):
    """The one line of ours, asserted to be one and without a stamp left behind."""
    assert done.returncode != 0
    assert not (folder / ".venv" / ".ready").exists()
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("heed: ")]
    return line


def test_help_is_the_default_and_needs_no_setup(tmp_path):
    done = make(tmp_path, python="not-there")
    assert done.returncode == 0
    assert done.stdout == make(tmp_path, "help").stdout
    for verb in ("sim", "test", "lint", "verilog", "doctor", "accuracy", "generate", "clean"):
        assert any(line.split()[:1] == [verb] for line in done.stdout.splitlines()), verb
    assert not (tmp_path / ".venv").exists()


def test_every_verb_has_its_line():
    text = (ROOT / "Makefile").read_text()
    phony = next(line for line in text.splitlines() if line.startswith(".PHONY:")).split()[1:]
    for verb in phony:
        assert any(line.startswith(f"{verb}:") and "## " in line for line in text.splitlines())


def test_no_python(tmp_path):
    assert "not-there was not found" in refused(make(tmp_path, "sim", python="not-there"), tmp_path)


def test_an_old_python(tmp_path):
    script = 'case "$*" in *version_info*) exit 1;; -V) echo "Python 3.9.2";; esac'
    done = make(tmp_path, "test", python=fake_python(tmp_path, script))
    message = refused(done, tmp_path)
    assert "Python 3.9.2" in message and "3.11" in message


def test_a_python_without_venv(tmp_path):
    script = 'case "$*" in *ensurepip*) echo trouble >&2; exit 1;; esac'
    done = make(tmp_path, "sim", python=fake_python(tmp_path, script))
    assert "python3-venv" in refused(done, tmp_path)
    assert "trouble" not in done.stderr


def test_packages_that_cannot_be_installed(tmp_path):
    """A later run tries again, even over the stamp of an earlier success."""
    script = (
        'case "$*" in "-m venv "*) mkdir -p $3/bin; cp "$0" $3/bin/python;; '
        "*'-m pip '*) echo 'pip: no network' >&2; exit 1;; esac"
    )
    python = fake_python(tmp_path, script)
    done = make(tmp_path, "sim", python=python)
    assert "could not be installed" in refused(done, tmp_path)
    assert "pip: no network" in done.stderr
    stamp = tmp_path / ".venv" / ".ready"
    stamp.touch()
    shutil.copystat(ROOT / "LICENSE", stamp)
    (tmp_path / "pyproject.toml").touch()
    done = subprocess.run(["make", "sim", f"PYTHON={python}"], cwd=tmp_path, capture_output=True)
    assert done.returncode != 0 and not stamp.exists()


def test_variables_are_handed_on(tmp_path):
    venv = tmp_path / ".venv" / "bin"
    venv.mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv" / ".ready").touch()
    dry = make(tmp_path, "-n", "-o", ".venv/.ready", "sim").stdout
    assert "sim --preset tiny --images 8" in dry and "sim --preset paper --images 1" in dry
    dry = make(tmp_path, "-n", "-o", ".venv/.ready", "sim", "PRESET=paper", "IMAGES=5").stdout
    assert dry.split() == ".venv/bin/heed sim --preset paper --images 5".split()
    dry = make(tmp_path, "-n", "-o", ".venv/.ready", "accuracy", "SEEDS=5").stdout
    assert "accuracy --seeds 5" in dry
    dry = make(tmp_path, "-n", "-o", ".venv/.ready", "test", "TESTS=verif/unit").stdout
    assert "verif/unit" in dry


def test_the_ci_runs_the_command_of_the_readme():
    assert "make test" in (ROOT / "README.md").read_text()
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
