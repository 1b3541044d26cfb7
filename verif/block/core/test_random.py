"""Long random programs on the Verilated core, in lockstep with the model."""

from dataclasses import replace

import pytest

from hw.core import core as core_module
from hw.core.decode import INSTRUCTIONS, Decoder
from verif.lib.core_top import CoreTop
from verif.lib.runner import run_tests


def run(programs, length, seed):
    run_tests(
        CoreTop(),
        top="top",
        test_module="verif.block.core.tb_random",
        env={"PROGRAMS": str(programs), "LENGTH": str(length), "SEED": str(seed)},
    )


def test_random_programs():
    run(60, 2500, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_random_programs(seed):
    run(400, 2500, seed)


def test_a_broken_core_is_caught(monkeypatch):
    """The forwarding path to `addi` is cut: it misses the result of the instruction before."""
    rows = [
        replace(row, format=row.format._replace(reads_rs1=False)) if row.name == "addi" else row
        for row in INSTRUCTIONS
    ]
    monkeypatch.setattr(core_module, "Decoder", lambda: Decoder(rows))
    with pytest.raises(AssertionError, match="expected .* addi"):
        run(3, 500, 1)
