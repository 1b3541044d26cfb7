"""How harts share work: `firmware/include/heed/team.h`, compiled for this computer."""

import ctypes
import itertools

import pytest

from heed.toolchain.compiler import INCLUDE, run_compiler
from heed.toolchain.host import FLAGS

SOURCE = """
#include "heed/team.h"

void share(uint32_t items, uint32_t index, uint32_t size, uint32_t *out)
{
    struct share found = share_of(items, (struct heed_team){index, size});
    out[0] = found.first;
    out[1] = found.end;
}

uint32_t head_rows(uint32_t heads, uint32_t rows, uint32_t block, uint32_t index, uint32_t size,
                   uint32_t (*out)[3])
{
    struct head_share share = head_share_of(heads, rows, block, (struct heed_team){index, size});
    struct head_rows part;
    uint32_t parts = 0;

    while (next_head_rows(&share, &part)) {
        out[parts][0] = part.head;
        out[parts][1] = part.rows.first;
        out[parts][2] = part.rows.end;
        parts++;
    }
    return parts;
}
"""
MOST_PARTS = 64


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("team")
    source, out = folder / "team.c", folder / "team.so"
    source.write_text(SOURCE)
    run_compiler([*FLAGS, f"-I{INCLUDE}", str(source), "-o", str(out)], folder, "team.c")
    return ctypes.CDLL(str(out))


@pytest.fixture(scope="module")
def share(library):
    out = (ctypes.c_uint32 * 2)()

    def call(items, index, size):
        library.share(items, index, size, out)
        return range(out[0], out[1])

    return call


@pytest.fixture(scope="module")
def head_rows(library):
    out = (ctypes.c_uint32 * 3 * MOST_PARTS)()

    def call(heads, rows, block, index, size):
        count = library.head_rows(heads, rows, block, index, size, out)
        assert count <= MOST_PARTS
        return [tuple(part) for part in out[:count]]

    return call


@pytest.mark.parametrize("size", range(1, 17))
def test_shares(share, size):
    """Every item once, in order, and shares that differ by one item at most."""
    for items in range(100):
        shares = [share(items, index, size) for index in range(size)]
        assert list(itertools.chain(*shares)) == list(range(items))
        lengths = [len(part) for part in shares]
        assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("items", [2**16, 2**31 - 1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("size", [1, 3, 8, 9, 16])
def test_large_shares(share, items, size):
    shares = [share(items, index, size) for index in range(size)]
    ends = [0, *(part.stop for part in shares)]
    assert [part.start for part in shares] == ends[:-1] and ends[-1] == items
    lengths = [part.stop - part.start for part in shares]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("size", range(1, 10))
@pytest.mark.parametrize("block", [1, 2, 3, 4, 7])
def test_heads_and_rows(head_rows, size, block):
    """Every row of every head once; parts are whole blocks; shares differ by a block at most."""
    for heads, rows in itertools.product(range(7), range(14)):
        seen, blocks = [], []
        for index in range(size):
            parts = head_rows(heads, rows, block, index, size)
            blocks.append(sum(-(-(end - first) // block) for _, first, end in parts))
            assert len({head for head, _, _ in parts}) == len(parts)
            for head, first, end in parts:
                assert first < end and first % block == 0 and (end % block == 0 or end == rows)
                seen += [(head, row) for row in range(first, end)]
        assert seen == list(itertools.product(range(heads), range(rows)))
        assert max(blocks) - min(blocks) <= 1


@pytest.mark.parametrize(
    "heads, rows, block, size, most",
    [(12, 64, 4, 8, 96), (4, 64, 4, 8, 32), (16, 17, 1, 8, 34), (3, 65535, 1, 16, 12288)],
)
def test_no_hart_idles_where_heads_are_few(head_rows, heads, rows, block, size, most):
    shares = [head_rows(heads, rows, block, index, size) for index in range(size)]
    lengths = [sum(end - first for _, first, end in parts) for parts in shares]
    assert sum(lengths) == heads * rows and max(lengths) == most
    assert max(lengths) - min(lengths) <= block


def test_the_largest_sizes(head_rows):
    """65535 heads and rows, in rows: 2^32 - 131071 blocks."""
    most = 65535
    ((head, first, end),) = head_rows(most, most, most, most - 1, most)
    assert (head, first, end) == (most - 1, 0, most)
    parts = head_rows(most, most, 1, 2**31, 2**32 - 1)
    ((head, first, end),) = parts
    assert head * most + first == 2**31 and end == first + 1
