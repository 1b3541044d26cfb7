"""Kernels on this computer, on the simulator core and on the RTL, against what they should give."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from heed.kernels import Cluster, Job, Memory, check, run_on_host
from heed.simulator import Simulator
from heed.simulator.iss import IssSimulator
from hw.presets import TINY

TARGETS = ("host", "iss", "rtl")


@cache
def cluster(target: str) -> Cluster:
    """Return the program of all kernels for TINY, on the simulator core or the RTL."""
    return Cluster(Simulator.build(TINY) if target == "rtl" else IssSimulator(TINY))


def agree(
    target: str, memory: Memory, job: Job, wanted: Mapping[str, np.ndarray], harts: int = 1
) -> int:
    """Run a job; its results must be as wanted and no other byte may be written.

    Parameters
    ----------
    target
        One of TARGETS; the clusters have two harts.
    memory, job, wanted
        See `heed.kernels`.
    harts
        Size of the team.

    Returns
    -------
    int
        Cycles, on a cluster; 0 on this computer.

    Raises
    ------
    HeedError
        They differ.
    """
    image = memory.image()
    if target == "host":
        run = run_on_host(image, [job], harts)
    else:
        run = cluster(target).run(image, [job], min(harts, TINY.harts))
    check(image, run.memory, [(job, wanted)])
    return run.cycles
