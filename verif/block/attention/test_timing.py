"""The engine's cycle model against the RTL.

`pytest -s` prints each comparison: what to look at when a latency of `timing_latency` is no
longer right.
"""

from functools import cache

import pytest

from heed.bench.engine import measure
from heed.bench.items import CASES
from hw.bench.engine_top import EngineTop
from hw.presets import PAPER
from sw_model.engine.timing import predict
from verif.block.attention.timing_config import find_timing_config
from verif.lib.runner import run_tests

ERRORS = {
    "linear": 0.03,
    "attention": 0.03,
    "layernorm": 0.03,
    "elementwise": 0.03,
    "copy": 0.03,
    "queues": 0.05,
}
"""Largest error of each test: what is off adds up where jobs wait for one another."""

ALONE = {case.name: case for case in CASES if case.grant == 1 and not case.traffic}
"""The bench's work items that nobody disturbs."""


@cache
def engine(name):
    """Return one component a configuration, so that it is converted once."""
    return EngineTop(config=find_timing_config(name))


def run(name, bench, jobs, largest):
    env = {"CONFIG": name, "JOBS": str(jobs), "LARGEST": str(largest)}
    run_tests(
        engine(name),
        top="top",
        test_module="verif.block.attention.tb_timing",
        testcase=bench,
        env=env | {"ERROR": str(ERRORS[bench])},
    )


@pytest.mark.parametrize("bench", ERRORS)
def test_random_jobs(bench):
    run("roomy_tiny", bench, jobs=30, largest=60)


@pytest.mark.slow
@pytest.mark.parametrize("name", ("roomy_tiny", "tiny", "roomy_half", "roomy_narrow"))
@pytest.mark.parametrize("bench", ERRORS)
def test_many_random_jobs(name, bench):
    run(name, bench, jobs=100, largest=100)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
def test_work_items(name):
    """The bench's work items on PAPER, job by job."""
    row = measure(ALONE[name], PAPER, 0, print)
    work = ALONE[name].make(PAPER, 0)
    prediction = predict(work.config, work.image, [work.doorbell])
    for measured, job in zip(row.ends.values(), prediction.jobs, strict=True):
        print(f"{name}: {measured} measured, {job.end} predicted")
        assert abs(job.end / measured - 1) < 0.03
