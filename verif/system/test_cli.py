"""The command line: help, bad input, missing tools. One message, the right status, no traceback."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import heed
from heed.cli import exec as exec_verb
from heed.cli import main as cli
from heed.cli import ui
from heed.errors import HeedError

VERBS = ["sim", "exec", "verilog", "area", "doctor", "accuracy", "generate", "bench", "audit"]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def run(*words, **environment):
    """Run the command line in a process of its own, its output in pipes."""
    return subprocess.run(
        [sys.executable, "-m", "heed.cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )


def message(capsys, *words, status=2):
    """The one message that bad words give, asserted to be one and to have the status."""
    assert cli.main([str(word) for word in words]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    first, *rest = err.splitlines()
    assert first.startswith("heed: ")
    assert len(rest) <= 1 and all(line.startswith("      ") for line in rest)
    return err


def test_help_lists_every_verb():
    for words in ([], ["--help"]):
        done = run(*words)
        assert done.returncode == 0
        for verb in VERBS:
            assert verb in done.stdout
        assert not CONTROL.search(done.stdout)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(verb, capsys):
    assert cli.main([verb, "--help"]) == 0
    assert f"heed {verb}" in capsys.readouterr().out


def test_help_is_quick():
    """The heavy packages are imported by the verbs that need them, when they need them."""
    code = "import sys, heed.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert not {"numpy", "amaranth", "elftools", "cocotb", "torch"} & set(loaded.split())


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"heed {heed.__version__}\n"


@pytest.mark.parametrize(
    "words, named",
    [
        (["fly"], "'fly'"),
        (["sim", "--preset", "huge"], "'huge'.*tiny, paper"),
        (["sim", "--images", "0"], "0"),
        (["sim", "--images", "many"], "many"),
        (["sim", "--images", "100000"], "--images is 100000, but there are 450"),
        (["sim", "--from", "3"], "--waves"),
        (["sim", "--waves", "/not/there/f.vcd"], "/not/there"),
        (["sim", "--waves", "/tmp"], "/tmp.*must be a file"),
        (["sim", "--waves", "/tmp/f.vcd", "--from", "-1"], "--from.*-1"),
        (["sim", "--waves", "/tmp/f.vcd", "--from", "9", "--to", "3"], "--to is 3"),
        (["sim", "--colour"], "--colour"),
        (["exec"], "'program'"),
        (["exec", "p.elf", "--preset", "huge"], "'huge'"),
        (["exec", "p.elf", "--cores", "0"], "0"),
        (["exec", "p.elf", "--max-cycles", "-5"], "-5"),
        (["exec", "p.elf", "--cores", "3"], "--cores is 3, but preset tiny has 2"),
        (["exec", "p.elf", "--target", "fpga"], "'fpga' is not one of rtl, iss"),
        (["exec", "p.elf", "--target", "iss", "--cores", "3"], "--cores is 3"),
        (["exec", "p.elf", "--target", "iss", "--waves", "/tmp/f.vcd"], "--waves needs --target"),
        (["exec", "p.elf", "--signature", "/not/there/s"], "--signature.*/not/there"),
        (["exec", "p.elf", "--trace", "/not/there/t"], "--trace.*/not/there"),
        (["exec", "p.elf", "--trace", "/tmp"], "--trace /tmp.*must be a file"),
        (["verilog"], "--output"),
        (["verilog", "-o", "x", "--unit", "dma"], "'dma'.*engine, crossbar, core, cluster"),
        (["verilog", "-o", "x", "--rvfi"], "--rvfi needs --unit core, but no unit"),
        (["verilog", "-o", "x", "--rvfi", "--unit", "engine"], "but the unit is engine"),
        (["area", "--unit", "dma"], "'dma'.*core"),
        (["verilog", "-o", "x", "--preset", "huge"], "'huge'"),
        (["accuracy", "--seeds", "0"], "0"),
        (["doctor", "--for", "fly"], "'fly'"),
        (["bench", "fly"], "'fly'"),
        (["bench", "engine", "--shape", "1,2,3"], "1,2,3 is not S,E,P,F"),
        (["bench", "engine", "--shape", "1,2,x,4"], "1,2,x,4 is not S,E,P,F"),
        (["bench", "engine", "--shape", "8,0,8,8"], "8,0,8,8 is not S,E,P,F.*1 to 65535"),
        (["bench", "engine", "--shape", "8,8,8,8", "--heads", "0"], "--heads.*0"),
        (["bench", "engine", "--shape", "8,8,8,8", "--grant", "0"], "0 is not a probability"),
        (["bench", "engine", "--shape", "8,8,8,8", "--grant", "1.1"], "1.1 is not a probability"),
        (["bench", "engine", "--shape", "8,8,8,8", "--grant", "nan"], "nan is not a probability"),
        (["bench", "engine", "--shape", "8,8,8,8", "--seed", "-1"], "--seed.*-1"),
        (["bench", "engine", "--preset", "huge"], "'huge'.*tiny, paper"),
        (["bench", "engine", "--grant", "0.9"], "need --shape"),
        (["bench", "engine", "--heads", "2"], "need --shape"),
        (["bench", "engine", "--traffic"], "need --shape"),
        (["bench", "engine", "--shape", "4096,4096,64,64"], "the largest has 4096 KiB"),
        (["bench", "engine", "--json", "/not/there/rows.json"], "/not/there"),
        (["bench", "engine", "-o", "/not/there/page.md"], "/not/there/page.md cannot be read"),
    ],
)
def test_bad_words_are_one_message(words, named, capsys):
    assert re.search(named, message(capsys, *words))


def test_an_image_of_the_wrong_shape(tmp_path, capsys):
    file = tmp_path / "image.npy"
    np.save(file, np.zeros((9, 8), np.uint8))
    err = message(capsys, "sim", "--image-file", file)
    assert "(9, 8)" in err and "(8, 8)" in err and str(file) in err


@pytest.mark.parametrize("value", [17, -1, 0.5])
def test_an_image_with_a_value_out_of_range(value, tmp_path, capsys):
    file = tmp_path / "image.npy"
    image = np.zeros((8, 8), np.float64)
    image[3, 4] = value
    np.save(file, image)
    err = message(capsys, "sim", "--image-file", file)
    assert str(value) in err and "16" in err


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.float64(3), np.zeros((0, 8, 8)), np.zeros((2, 2, 8, 8))]
)
def test_an_array_that_is_no_image(array, tmp_path, capsys):
    file = tmp_path / "image.npy"
    np.save(file, array)
    assert str(file) in message(capsys, "sim", "--image-file", file)


def test_an_image_file_that_is_not_there(tmp_path, capsys):
    assert "no such file" in message(capsys, "sim", "--image-file", tmp_path / "x.npy")


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_an_image_file_that_is_no_array(content, tmp_path, capsys):
    file = tmp_path / "image.npy"
    file.write_bytes(content)
    assert "not a readable .npy" in message(capsys, "sim", "--image-file", file)


def test_an_image_file_that_is_an_archive(tmp_path, capsys):
    file = tmp_path / "image.npz"
    np.savez(file, a=np.zeros((8, 8)))
    assert "archive" in message(capsys, "sim", "--image-file", file)


@pytest.mark.parametrize(
    "words",
    [
        ["sim", "--preset", "tiny"],
        ["exec", "p.elf"],
        ["bench"],
        ["bench", "engine"],
        ["doctor", "--for", "test"],
    ],
)
def test_missing_tools_are_named_with_the_packages_to_install(words, tmp_path):
    done = run(*words, PATH=str(tmp_path))
    assert done.returncode == 1
    text = done.stdout + done.stderr
    assert "g++" in text and "perl" in text and "apt install" in text
    assert "Traceback" not in text


def test_the_doctor_reports_in_a_pipe_without_control_characters():
    done = run("doctor")
    assert "verilator" in done.stdout
    assert not CONTROL.search(done.stdout + done.stderr)


def test_a_missing_python_package_is_one_message(monkeypatch, capsys):
    def missing(**kwargs):
        raise ModuleNotFoundError("No module named 'elftools.elf'", name="elftools.elf")

    monkeypatch.setattr(cli, "app", missing)
    assert "package elftools" in message(capsys, status=1)


def test_a_missing_module_of_heed_is_a_fault_and_not_a_message(monkeypatch):
    def missing(**kwargs):
        raise ModuleNotFoundError("No module named 'heed.gone'", name="heed.gone")

    monkeypatch.setattr(cli, "app", missing)
    with pytest.raises(ModuleNotFoundError):
        cli.main([])


def test_a_fault_of_heed_keeps_its_traceback(monkeypatch):
    def broken(**kwargs):
        raise ValueError("a defect")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(ValueError, match="a defect"):
        cli.main([])


def test_errors_print_their_hint_and_give_their_status(monkeypatch, capsys):
    def fail(**kwargs):
        raise HeedError("the [thing] broke", "mend it", status=7)

    monkeypatch.setattr(cli, "app", fail)
    assert message(capsys, status=7) == "heed: the [thing] broke\n      mend it\n"


def test_an_interrupt_is_130(monkeypatch, capsys):
    def interrupted(**kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    assert "interrupted" in message(capsys, status=130)


def test_generate_check_finds_a_stale_file(monkeypatch, capsys):
    import hw.generate

    monkeypatch.setattr(hw.generate, "generate", lambda check: ["some/header.h"])
    err = message(capsys, "generate", "--check", status=1)
    assert "some/header.h" in err and "heed generate" in err


def test_progress_is_a_line_a_step_in_a_pipe(capsys):
    with ui.Progress() as progress:
        progress("building [all] of it")
        for number in range(100):
            progress(f"compiling {number} of 100")
        progress("running")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "heed: building [all] of it\nheed: compiling 0 of 100\nheed: running\n"


def test_a_long_step_says_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(ui.Progress, "PIPE_SECONDS", 0.0)
    with ui.Progress() as progress:
        progress("compiling 1 of 3")
        progress("compiling 2 of 3")
    assert capsys.readouterr().err.splitlines()[-1] == "heed: compiling 2 of 3"


def test_the_console_of_a_program_is_passed_on_as_bytes(capfdbinary):
    exec_verb._write_console(b"\x00\xffh")
    assert capfdbinary.readouterr().out == b"\x00\xffh"
