"""The engine on Verilator: random jobs against the model, faults, soft clears."""

import pytest

from hw.presets import TINY
from verif.lib.engine_top import EngineTop
from verif.lib.runner import run_tests

BENCHES = (
    "linear",
    "attention",
    "chains_and_doorbells",
    "faults",
    "soft_clear",
    "overflow",
    "registers",
)


@pytest.mark.parametrize("bench", BENCHES)
def test_engine(bench):
    run_tests(
        EngineTop(config=TINY),
        top="top",
        test_module="verif.block.attention.tb_engine",
        testcase=bench,
        env={"PRESET": "tiny", "JOBS": "120"},
    )
