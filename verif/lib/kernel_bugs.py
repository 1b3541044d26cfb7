"""Kernels with a planted bug: do comparisons find it?"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import copytree

import numpy as np

from heed.errors import HeedError
from heed.kernels import Cluster, Job, Memory, check
from heed.simulator.iss import IssSimulator
from heed.toolchain import compiler
from hw.presets import TINY

Case = tuple[Memory, Job, Mapping[str, np.ndarray]]


def finds(folder: Path, bug: tuple[str, str, str], cases: Iterable[Case]) -> bool:
    """Return whether a case fails, or a program does, once a bug is in the kernels.

    Parameters
    ----------
    folder
        For a copy of the kernels.
    bug
        A file of `firmware/kernels`, a text that stands there once, and what replaces it.
    cases
        What runs on the simulator core, on two harts, until one fails.
    """
    file, right, wrong = bug
    broken = copytree(compiler.KERNELS, folder / "kernels")
    text = (broken / file).read_text()
    assert text.count(right) == 1, f"{right!r} stands {text.count(right)} times in {file}"
    (broken / file).write_text(text.replace(right, wrong))
    cluster = Cluster(IssSimulator(TINY), folder=broken)
    for memory, job, wanted in cases:
        image = memory.image()
        try:
            run = cluster.run(image, [job], TINY.harts, max_cycles=1_000_000)
            check(image, run.memory, [(job, wanted)])
        except HeedError:
            return True
    return False
