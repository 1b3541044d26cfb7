"""The tests that kernels of one matrix share: this computer, the simulator core, the RTL."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.lib.kernel_check import agree
from verif.lib.kernel_operands import Case

Test = Callable[..., None]


def suite(
    cases: Mapping[str, Callable[[int, int, int], Case]],
    sizes: st.SearchStrategy[int],
    on_rtl: Sequence[tuple[int, int]],
) -> tuple[Test, Test, Test]:
    """Return tests on this computer, on the simulator core and on the RTL.

    Parameters
    ----------
    cases
        Makes a case of seed, rows and columns, for each kernel by its name.
    sizes
        Rows and columns of random cases.
    on_rtl
        Rows and columns of the sample on the RTL, on one and two harts in turn.
    """
    kernels = pytest.mark.parametrize("kernel", cases)
    seeds = st.integers(0, 2**32 - 1)

    @kernels
    @settings(deadline=None)
    @given(rows=sizes, columns=sizes, harts=st.integers(1, 9), seed=seeds)
    def on_this_computer(kernel, rows, columns, harts, seed):
        agree("host", *cases[kernel](seed, rows, columns), harts)

    @kernels
    @settings(deadline=None, max_examples=15)
    @given(rows=sizes, columns=sizes, harts=st.integers(1, 2), seed=seeds)
    def on_the_simulator(kernel, rows, columns, harts, seed):
        agree("iss", *cases[kernel](seed, rows, columns), harts)

    @kernels
    def on_the_rtl(kernel):
        for seed, (rows, columns) in enumerate(on_rtl):
            agree("rtl", *cases[kernel](seed, rows, columns), 1 + seed % 2)

    return on_this_computer, on_the_simulator, on_the_rtl
