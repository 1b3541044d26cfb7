"""The engine on Verilator: random jobs against the model, faults, soft clears."""

import pytest

from verif.block.attention.campaign import engine
from verif.lib.configs import BETWEEN
from verif.lib.runner import run_tests

BENCHES = (
    "single",
    "queues/linked=0.0",
    "queues/linked=0.95",
    "faults",
    "soft_clear",
    "doorbell_during_clear",
    "fault_and_clear",
    "overflow",
    "registers",
)


def run(name, bench):
    run_tests(
        engine(name),
        top="top",
        test_module="verif.block.attention.tb_engine",
        testcase=bench,
        env={"CONFIG": name, "JOBS": "80"},
    )


@pytest.mark.parametrize("bench", BENCHES)
def test_engine(bench):
    run("tiny", bench)


@pytest.mark.slow
@pytest.mark.parametrize("name", BETWEEN)
@pytest.mark.parametrize("bench", BENCHES)
def test_engines_between_the_presets(name, bench):
    run(name, bench)


@pytest.mark.slow
def test_extremes():
    """On the one configuration whose scratchpad is large enough."""
    run("half", "extremes")
