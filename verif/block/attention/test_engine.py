"""The engine on Verilator: random jobs against the model, faults, soft clears."""

from functools import cache

import pytest

from hw.bench.engine_top import EngineTop
from verif.lib.configs import BETWEEN, find_config
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


@cache
def engine(name):
    """Return one component a configuration, so that it is converted once."""
    return EngineTop(config=find_config(name))


def run(name, bench):
    run_tests(
        engine(name),
        top="top",
        test_module="verif.block.attention.tb_engine",
        testcase=bench,
        env={"CONFIG": name, "JOBS": "120"},
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
