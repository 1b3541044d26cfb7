"""Kernels with a planted bug: do comparisons find it?"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from heed.errors import HeedError
from hw.presets import TINY
from verif.lib.kernel_operands import Case, run_case, small_program


def finds(
    folder: Path,
    kernels: Sequence[str],
    sources: Sequence[str],
    bug: tuple[str, str, str],
    cases: Iterable[Case],
) -> bool:
    """Return whether a case fails once a bug is in the kernels.

    Parameters
    ----------
    folder, kernels, sources, bug
        See `small_program`.
    cases
        What runs on the simulator core, on two harts, until one fails; those of other kernels are
        left out.
    """
    cluster = small_program(folder, kernels, sources, bug=bug)
    for case in cases:
        if case[1].kernel not in kernels:
            continue
        try:
            run_case(cluster, case, TINY.harts)
        except HeedError:
            return True
    return False
