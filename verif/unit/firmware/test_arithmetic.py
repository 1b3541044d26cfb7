"""How harts share a matrix: `part_of` of `firmware/kernels/arithmetic.h`, compiled for this
computer."""

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed.toolchain.compiler import INCLUDE, KERNELS, run_compiler
from heed.toolchain.host import FLAGS

SOURCE = """
#include "arithmetic.h"

void part(uint32_t rows, uint32_t columns, uint32_t unit, uint32_t more, uint32_t index,
          uint32_t size, uint32_t *out)
{
    struct part found = part_of(rows, columns, unit, more, (struct heed_team){index, size});
    out[0] = found.rows.first;
    out[1] = found.rows.end;
    out[2] = found.columns.first;
    out[3] = found.columns.end;
}
"""


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    folder = tmp_path_factory.mktemp("part")
    (folder / "part.c").write_text(SOURCE)
    includes = [f"-I{path}" for path in (INCLUDE, KERNELS)]
    run_compiler([*FLAGS, *includes, "part.c", "-o", "part.so"], folder, "part_of")
    function = ctypes.CDLL(str(folder / "part.so")).part

    def call(rows, columns, unit, more, index, size):
        out = (ctypes.c_uint32 * 4)()
        function(rows, columns, unit, more, index, size, out)
        return tuple(out)

    return call


@given(
    rows=st.integers(1, 50),
    columns=st.integers(1, 50),
    unit=st.sampled_from([1, 2, 4]),
    more=st.sampled_from([0, 3, 12]),
    size=st.integers(1, 9),
)
def test_every_element_is_done_once(part, rows, columns, unit, more, size):
    done = np.zeros((rows, columns), int)
    for index in range(size):
        top, bottom, left, right = part(rows, columns, unit, more, index, size)
        assert top <= bottom <= rows and left <= right <= columns
        assert left == right or left % unit == 0
        done[top:bottom, left:right] += 1
    assert (done == 1).all()


@pytest.mark.parametrize(
    ("rows", "columns", "more", "largest"),
    [
        (1, 128, 0, 16),  # a row: by columns
        (4, 128, 0, 64),
        (8, 128, 0, 128),
        (9, 128, 0, 9 * 16),  # by rows, one hart would do two of them
        (128, 128, 0, 16 * 128),
        (128, 128, 12, 128 * 16),  # an entry a column: by columns
    ],
)
def test_the_largest_part_of_eight(part, rows, columns, more, largest):
    sizes = []
    for index in range(8):
        top, bottom, left, right = part(rows, columns, 4, more, index, 8)
        sizes.append((bottom - top) * (right - left))
        if more:
            assert right - left == columns // 8
    assert max(sizes) == largest
