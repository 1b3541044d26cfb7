"""The simulator's cache: what is built when, and what a failing build leaves behind."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from heed.errors import HeedError
from heed.simulator import build as builder
from heed.simulator import tools
from hw.presets import TINY

SOURCES = {
    "sim_top.v": "module sim_top(input clk, output reg q); always @(posedge clk) q <= 1; endmodule",
    "harness.cpp": '#include "Vsim_top.h"\nint main() { Vsim_top top; top.eval(); return 7; }\n',
}
"""The smallest simulator, so that a real build takes seconds."""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache whose simulators are of `SOURCES`; returns the text of later builds."""
    sources = dict(SOURCES)
    monkeypatch.setenv("HEED_BUILD", str(tmp_path))
    monkeypatch.setattr(builder, "_emit", lambda config, tracing: sources)
    return sources


def build(config=TINY, waves=False):
    """Build and return the result with what was reported on the way."""
    said = []
    return builder.build(config, waves=waves, progress=said.append), said


def folders(tmp_path):
    """Return what lies in the cache, besides locks and the index."""
    root = tmp_path / "simulator"
    return sorted(p.name for p in root.iterdir() if p.suffix != ".lock" and p.name != "index")


def test_builds_once(cache, tmp_path, monkeypatch):
    """The second time nothing runs; other Verilog is another build, other sources alone are not."""
    first, said = build()
    assert subprocess.run([first.binary]).returncode == 7
    assert said[:2] == ["tiny: writing Verilog", "tiny: translating Verilog to C++"]
    assert any("compiling" in line for line in said)
    assert folders(tmp_path) == [first.folder.name]
    assert not (first.folder / "obj").exists()
    assert build() == (first, [])

    monkeypatch.setattr(builder, "_sources", lambda: [Path(__file__)])  # a comment has changed
    assert build() == (first, ["tiny: writing Verilog"])
    assert build() == (first, [])

    monkeypatch.setattr(builder, "_sources", lambda: [])
    cache["harness.cpp"] = cache["harness.cpp"].replace("7", "8")
    second, said = build()
    assert second.folder != first.folder
    assert subprocess.run([second.binary]).returncode == 8


def test_failures_leave_nothing(cache, tmp_path):
    """Verilog or C++ that does not compile: one message, and the next build works."""
    good = dict(cache)
    for file, text, message in (
        (
            "sim_top.v",
            "module sim_top(input clk; endmodule",
            "cannot translate the Verilog of sim_top",
        ),
        ("harness.cpp", "int main() { return nothing; }", "cannot compile the simulator"),
    ):
        cache.update(good | {file: text})
        with pytest.raises(HeedError, match=message) as caught:
            build()
        assert "\n" not in str(caught.value)
        assert folders(tmp_path) == []
    cache.update(good)
    assert build()[0].binary.exists()


def test_two_at_once_build_once(cache, tmp_path):
    """The second of two builders waits and finds the first one's work."""
    results = []
    threads = [threading.Thread(target=lambda: results.append(build())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0][0] == results[1][0]
    said = sorted((said for _, said in results), key=len)
    assert said[0] == ["waiting for another build to finish"]
    assert said[1][0] == "tiny: writing Verilog"


def test_keys_differ():
    """Configuration, tracing and tools are part of the keys."""
    recipes = {builder._recipe(False), builder._recipe(True)}
    assert len(recipes) == 2
    assert any("Verilator" in text or "verilator" in text for text in builder._recipe(False))
    assert builder._hash(["a", "b"]) != builder._hash(["ab"])
    other = replace(TINY, workers=3)
    headers = [builder._config_header(c, t) for c in (TINY, other) for t in (False, True)]
    assert len(set(headers)) == 4


def test_old_builds_go(cache, tmp_path):
    """Only the newest builds of a configuration stay; others' stay all."""
    root = tmp_path / "simulator"
    names = [f"tiny-{number:020x}" for number in range(builder.KEPT_BUILDS + 2)]
    (root / "index").mkdir(parents=True)
    for age, name in enumerate([*names, "paper-" + "0" * 20, "tiny-waves-" + "0" * 20]):
        (root / name).mkdir()
        os.utime(root / name, (1000 - age, 1000 - age))
        (root / "index" / name).write_text(name)
    killed = root / f".{names[0]}-a1_b2c3d"  # a build's folder until it is complete
    others = root / f".tiny-waves-{0:020x}-a1_b2c3d"  # perhaps at work
    killed.mkdir()
    others.mkdir()
    builder._prune(root, "tiny")
    assert not killed.exists()
    others.rmdir()
    left = {path.name for path in root.iterdir()} - {"index"}
    assert left == {*names[: builder.KEPT_BUILDS], "paper-" + "0" * 20, "tiny-waves-" + "0" * 20}
    assert {path.name for path in (root / "index").iterdir()} == left


def test_missing_compiler(cache, tmp_path, monkeypatch):
    """Without g++ and make there is one message that names them and says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    tools.tool_versions.cache_clear()
    try:
        with pytest.raises(HeedError) as caught:
            build()
    finally:
        tools.tool_versions.cache_clear()
    assert "g++" in str(caught.value) and "make" in str(caught.value)
    assert "apt install" in caught.value.hint
    assert folders(tmp_path) == []


def test_environment_of_builds(monkeypatch):
    """Verilator and this Python come first, an outer make's variables stay out."""
    monkeypatch.setenv("MAKEFLAGS", "-j 99")
    environment = tools.environment()
    assert "MAKEFLAGS" not in environment
    first, second = environment["PATH"].split(os.pathsep)[:2]
    assert (Path(first) / "verilator").exists()
    assert second == str(Path(sys.executable).parent)
