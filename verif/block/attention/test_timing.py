"""The engine's cycle model against the RTL.

`pytest -s` prints each comparison: what to look at when a latency of `timing_latency` is no
longer right.
"""

import pytest

from heed.bench.engine import measure
from heed.bench.items import CASES
from hw.presets import PAPER
from sw_model.engine.timing import predict
from verif.block.attention.campaign import engine
from verif.lib.runner import run_tests

BENCHES = ("linear", "attention", "layernorm", "elementwise", "copy", "queues")

ALONE = {case.name: case for case in CASES if case.grant == 1 and not case.traffic}
"""The bench's work items that nobody disturbs."""


def run(name, bench, jobs, largest):
    run_tests(
        engine(name),
        top="top",
        test_module="verif.block.attention.tb_timing",
        testcase=bench,
        env={"CONFIG": name, "JOBS": str(jobs), "LARGEST": str(largest)},
    )


@pytest.mark.parametrize("bench", BENCHES)
def test_random_jobs(bench):
    run("tiny", bench, jobs=20, largest=60)


@pytest.mark.slow
@pytest.mark.parametrize("name", ("tiny", "half", "square", "narrow"))
@pytest.mark.parametrize("bench", BENCHES)
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
