"""The verbs that run programs: what they print, and how they exit."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import heed.run
import hw.presets
from heed.cli import main as cli
from heed.targets import TARGETS
from heed.toolchain import compile
from heed.zoo.digits_vit import load_graph, load_images
from hw.presets import TINY

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
VERDICT = re.compile(r"TINY: ([0-9]+) cycles, [0-9.]+ kHz, all tensors bit-exact")


def heed_process(*words):
    """Run the command line in a process of its own, its output in pipes."""
    return subprocess.run(
        [sys.executable, "-m", "heed.cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=1200,
        env=os.environ,
    )


def test_sim_prints_pictures_layers_and_the_verdict():
    done = heed_process("sim", "--preset", "tiny", "--images", "2")
    assert done.returncode == 0, done.stderr
    assert not CONTROL.search(done.stdout + done.stderr)
    _, labels = load_images()
    for number in (0, 1):
        assert f"image {number}" in done.stdout
    assert done.stdout.count("predicted") == 2
    for label in labels[:2]:
        assert f"true {label}" in done.stdout
    for node in load_graph().nodes:
        assert re.search(rf"^ {node.name} +(engine|cores) ", done.stdout, re.MULTILINE)
    last = done.stdout.splitlines()[-1]
    assert int(VERDICT.fullmatch(last)[1]) > 0


def test_sim_of_an_own_image(tmp_path, capsys):
    images, labels = load_images()
    file = tmp_path / "mine.npy"
    np.save(file, images[5])
    assert cli.main(["sim", "--image-file", str(file)]) == 0
    out = capsys.readouterr().out
    assert "true unknown" in out
    assert VERDICT.fullmatch(out.splitlines()[-1])


def test_sim_names_the_first_difference(monkeypatch, capsys):
    """A run whose tensor is off by one in one element is not bit-exact."""
    run_network = heed.run.run_network

    def altered(*arguments, **options):
        run = run_network(*arguments, **options)
        run.images[1].tensors["layer0_query"][2, 3] ^= 1
        run.images[1].tensors["layer1_query"][0, 0] ^= 1
        return run

    monkeypatch.setattr(heed.run, "run_network", altered)
    assert cli.main(["sim", "--images", "2"]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^TINY: \d+ cycles, [0-9.]+ kHz, NOT bit-exact$", out, re.MULTILINE)
    assert "image 1: tensor layer0_query [2, 3] is" in err
    assert "layer1_query" not in err


def test_sim_writes_waves(tmp_path, capsys):
    file = tmp_path / "run.vcd"
    words = ["sim", "--images", "1", "--waves", str(file), "--from", "100", "--to", "120"]
    assert cli.main(words) == 0
    assert str(file) in capsys.readouterr().out
    times = [int(line[1:]) for line in file.read_text().splitlines() if line.startswith("#")]
    assert times
    assert {path.suffix for path in tmp_path.iterdir()} > {".vcd", ".gtkw"}


@pytest.fixture
def program(tmp_path):
    """Compile a program that prints a line and returns a number."""
    source = tmp_path / "program.c"
    source.write_text(
        '#include "heed/console.h"\n'
        "int main(void) {\n"
        "#ifdef FOREVER\n    for (;;) {}\n#endif\n"
        '    heed_puts("one line\\n");\n    return 42;\n}\n'
    )

    def build(**defines):
        return compile([source], tmp_path / "program.elf", config=TINY, defines=defines)

    return build


@pytest.mark.parametrize("target", TARGETS)
def test_exec_passes_the_console_and_the_status_on(program, target):
    done = heed_process("exec", program(), "--target", target)
    assert (done.returncode, done.stdout) == (42, "one line\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_exec_of_a_program_without_an_end(program, target):
    words = ["--target", target, "--max-cycles", 5000]
    done = heed_process("exec", program(FOREVER=1), *words)
    assert done.returncode == 124
    assert re.search(r"within 5000 cycles; hart 0: 0x800[0-9a-f]{5}$", done.stderr.strip())


@pytest.mark.parametrize("target", TARGETS)
def test_exec_of_no_program(tmp_path, capsys, target):
    (tmp_path / "text").write_text("not a program")
    for file in (tmp_path / "text", tmp_path / "missing", tmp_path):
        assert cli.main(["exec", str(file), "--target", target]) == 1
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("heed: ") and str(file) in err
        assert len(err.splitlines()) <= 2


def test_bench_writes_a_page_and_checks_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(hw.presets, "PRESETS", {"tiny": TINY})
    page = tmp_path / "benchmarks.md"
    assert cli.main(["bench", "-o", str(page), "--check"]) == 1
    assert not page.exists() and "stale" in capsys.readouterr().err
    assert cli.main(["bench", "-o", str(page)]) == 0
    text = page.read_text()
    assert "## TINY" in text and "## PAPER" not in text
    assert "digits_vit, one image" in text and "S=49 E=72 P=40 F=56" in text
    capsys.readouterr()
    assert cli.main(["bench", "-o", str(page), "--check"]) == 0
    page.write_text(page.read_text().replace("embed", "embedding"))
    assert cli.main(["bench", "-o", str(page), "--check"]) == 1
