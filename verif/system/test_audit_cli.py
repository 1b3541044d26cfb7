"""`heed audit`: tables, files, exit status, and what it says of wrong words."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

import heed.audit
from heed.audit import project_images
from heed.audit.page import KERNEL_MARK, MARK
from heed.cli import main as cli
from heed.toolchain import compile
from heed.toolchain.kernels import KERNELS
from hw.presets import TINY

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "firmware-audit.md"
FAULTY = """
__attribute__((noinline)) int down(volatile int *p) { return *p ? down(p + 1) + *p : 0; }
int main(void)
{
    static volatile int list[2];
    int found = down(list);
    __asm__ volatile(".insn 4, 0xffffffff");
    return found;
}
"""


def audit(*words):
    return cli.main(["audit", *map(str, words)])


@pytest.fixture
def few(monkeypatch):
    """A project with two images."""
    wanted = {recipe.name: recipe for recipe in project_images()}
    images = [wanted["kernels"], wanted["apps/hello"]]
    monkeypatch.setattr(heed.audit, "project_images", lambda: images)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    elf = tmp_path_factory.mktemp("good") / "good.elf"
    source = elf.with_suffix(".c")
    source.write_text("int main(void) { return 0; }")
    return compile([source], elf, config=TINY)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    elf = tmp_path_factory.mktemp("faulty") / "faulty.elf"
    source = elf.with_suffix(".c")
    source.write_text(FAULTY)
    return compile([source], elf, config=TINY)


def message(capsys, *words):
    """The one message that bad words give."""
    assert audit(*words) == 2
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err
    assert err.startswith("heed: ") and len(err.splitlines()) <= 2
    return err


def test_the_project(few, capsys, tmp_path):
    file, own = tmp_path / "audit.json", tmp_path / "page.md"
    own.write_text(f"# Mine\n\n{MARK}\n\nold\n\n## Kernels\n\n{KERNEL_MARK}\n\nold\n")
    assert audit("--json", file, "-o", own) == 0
    out = capsys.readouterr().out
    assert "TINY: bytes of firmware images" in out and f"wrote {own}" in out
    assert re.search(r"^ apps/hello +[\d,]+ .* m xcv_alu xcv_bi xcv_mem$", out, re.MULTILINE)
    assert "kernels: main calls by pointer at 0x8000" in out
    kernels, hello = json.loads(file.read_text())
    assert (kernels["name"], hello["name"]) == ("kernels", "apps/hello")
    assert kernels["faults"] == hello["faults"] == [] and hello["given"] == 16384
    assert kernels["code"].keys() == KERNELS.keys()
    text = own.read_text()
    assert "old" not in text and text.startswith(f"# Mine\n\n{MARK}\n\n| image | text |")
    for name in KERNELS:
        assert re.search(rf"^\s*{name} ", out, re.MULTILINE)
        assert f"| `{name}` | {kernels['code'][name]:,} |" in text


def test_the_large_preset(few, capsys):
    assert audit("--preset", "paper") == 0
    assert "PAPER: bytes of firmware images" in capsys.readouterr().out


def test_given_programs(good, capsys):
    assert audit(good) == 0
    out = capsys.readouterr().out
    assert str(good) in out and "apps/hello" not in out and "\x1b" not in out


def test_a_faulty_program(good, faulty, capsys, tmp_path):
    file = tmp_path / "audit.json"
    assert audit(good, faulty, "--json", file) == 1
    out, err = capsys.readouterr()
    assert f"{faulty}: recursion: down -> down" in out
    assert re.search(rf"{faulty}: not of tiny: 0x8000\w{{4}} main\+\w+: .word 0xffffffff", out)
    assert err.splitlines()[-1] == f"heed: 2 faults, in {faulty}"
    assert [len(found["faults"]) for found in json.loads(file.read_text())] == [0, 2]


def test_a_faulty_project_leaves_the_page_alone(monkeypatch, faulty, capsys, tmp_path):
    recipe = heed.audit.Recipe("faulty", lambda config: faulty)
    monkeypatch.setattr(heed.audit, "project_images", lambda: [recipe])
    own = tmp_path / "page.md"
    own.write_text(f"{MARK}\n\n## Kernels\n\n{KERNEL_MARK}\n\nold\n")
    assert audit("-o", own) == 1
    assert "old" in own.read_text()


def test_wrong_words(good, capsys, tmp_path):
    text = tmp_path / "text.elf"
    text.write_text("no program")
    half = tmp_path / "half.elf"
    half.write_bytes(good.read_bytes()[:200])
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    for words, named in (
        (["/not/there.elf"], "cannot read /not/there.elf: there is no such file"),
        ([tmp_path], f"cannot read {tmp_path}"),
        ([text], f"{text} is not an ELF file"),
        ([half], str(half)),
        ([good, "--preset", "huge"], "'huge'.*tiny, paper"),
        ([good, "-o", page], "--output goes without programs"),
        (["-o", "/not/there/page.md"], "/not/there/page.md cannot be read"),
        (["-o", page], f"{page}: the page has no line"),
        ([good, "--json", "/not/there/a.json"], "--json.*/not/there"),
        ([good, "--json", tmp_path], "must be a file"),
        (["--colour"], "--colour"),
    ):
        assert re.search(named, message(capsys, *words))


@pytest.mark.parametrize("seed", range(5))
def test_damaged_programs_are_one_message(seed, good, capsys, tmp_path):
    """Whatever the damage, there is a table or a message, never a traceback."""
    rng = np.random.default_rng(seed)
    whole = np.frombuffer(good.read_bytes(), np.uint8)
    headers = int.from_bytes(whole[32:36].tobytes(), "little")
    elf = tmp_path / "damaged.elf"
    for turn in range(40):
        raw = whole.copy()
        places = rng.integers(0, 52, 2) if turn % 2 else rng.integers(headers, len(raw), 3)
        raw[places] = rng.integers(0, 256, len(places))
        elf.write_bytes(raw.tobytes())
        assert audit(elf) in (0, 1, 2)
        capsys.readouterr()


def test_an_unreadable_file(good, capsys, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    elf = tmp_path / "closed.elf"
    elf.write_bytes(good.read_bytes())
    elf.chmod(0)
    assert "cannot read" in message(capsys, elf)


def test_the_page_has_both_tables():
    text = PAGE.read_text()
    assert f"{MARK}\n\n| image | text |" in text and f"{KERNEL_MARK}\n\n| kernel |" in text
