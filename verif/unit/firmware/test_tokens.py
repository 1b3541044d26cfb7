"""Embeddings and mean pooling on this computer, on the simulator core and on the RTL."""

import numpy as np
import pytest
from hypothesis import strategies as st

from heed.kernels import Memory
from heed.kernels.tokens import embedding, mean_pool, patch_embed
from sw_model import ops
from verif.lib.kernel_check import agree
from verif.lib.kernel_operands import (
    SMALLER,
    draw,
    draw_entry,
    finds_bug,
    runs_on_smaller_core,
)
from verif.lib.kernel_suite import suite

sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


def mean_pool_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    x, entry = draw(rng, (rows, columns), "int8"), draw_entry(rng, 1)
    memory = Memory(rng)
    return memory, mean_pool(memory, x, entry), {"y": ops.mean_pool(x, entry)}


def embedding_case(seed, rows, columns):
    rng = np.random.default_rng(seed)
    table = draw(rng, (int(rng.integers(1, 30)), columns), rng.choice(["int8", "int16"]))
    ids = rng.integers(0, len(table), rows).astype(rng.choice(["int32", "uint16"]))
    memory = Memory(rng)
    if seed % 3 == 0:
        return memory, embedding(memory, ids, table), {"y": ops.embedding(ids, table)}
    position = draw(rng, (rows, columns), rng.choice(["int8", "int16"])) if seed % 2 else None
    dtype = str(rng.choice(["int8", "int16"]))
    entry = draw_entry(rng, 1, position is not None)
    job = embedding(memory, ids, table, entry, dtype, position=position)
    return memory, job, {"y": ops.embedding(ids, table, entry, dtype, position=position)}


def patch_embed_case(seed, down, across, patch=None, columns=None):
    rng = np.random.default_rng(seed)
    patch = patch or int(rng.integers(1, 5))
    columns = columns or int(rng.integers(1, 20))
    down, across = 1 + down % 5, 1 + across % 5
    image = draw(rng, (down * patch, across * patch), "int8")
    weight = draw(rng, (columns, patch * patch), "int8")
    position = draw(rng, (down * across, columns), "int16")
    entry = draw_entry(rng, columns, True)
    memory = Memory(rng)
    job = patch_embed(memory, image, weight, position, entry, patch)
    return memory, job, {"y": ops.patch_embed(image, weight, position, entry, patch)}


CASES = {
    "mean_pool": mean_pool_case,
    "embedding": embedding_case,
    "patch_embed": patch_embed_case,
}
test_on_this_computer, test_on_the_simulator, test_on_the_rtl = suite(
    CASES, sizes, [(5, 13), (4, 7), (3, 9)]
)


@pytest.mark.parametrize("core", SMALLER)
def test_on_smaller_cores(tmp_path, core):
    sources = [*(f"tokens/{name}.c" for name in CASES), "elementwise/scaled_sum.c"]
    runs_on_smaller_core(tmp_path, core, sources, CASES)


@pytest.mark.parametrize("target", ["host", "iss"])
@pytest.mark.parametrize("columns", [1, 4, 5])
def test_the_largest_sums(target, columns):
    for value in (-128, 127):
        x = np.full((3001, columns), value, np.int8)
        entry = ops.Entry(11, 1 << 14, 15)
        memory = Memory()
        agree(target, memory, mean_pool(memory, x, entry), {"y": ops.mean_pool(x, entry)}, 2)


@pytest.mark.parametrize("target", ["host", "iss"])
@pytest.mark.parametrize("with_entry", [False, True])
def test_other_identifiers_take_the_last_row(target, with_entry):
    table = np.arange(60).reshape(6, 10).astype(np.int16)
    entry = ops.Entry(2, 0, 1) if with_entry else None
    for kind, ids in (
        ("int32", [0, 5, 6, -1, -(2**31), 2**31 - 1, 70_000]),
        ("uint16", [0, 5, 6, 65535]),
    ):
        clamped = [i if 0 <= i < 6 else 5 for i in ids]
        memory = Memory()
        job = embedding(memory, np.array(ids, kind), table, entry)
        agree(target, memory, job, {"y": table[clamped]}, 2)


@pytest.mark.parametrize("target", ["host", "iss"])
@pytest.mark.parametrize("patch", [7, 15, 16, 17])
def test_large_patches(target, patch):
    """Several patches in a block, one, and such as are too large to be gathered."""
    agree(target, *patch_embed_case(patch, 1, 2, patch, 3), 2)


POOL, LOOKUP = "tokens/mean_pool.c", "tokens/embedding.c"
PATCHES = "tokens/patch_embed.c"
BUGS = {
    "a column of two": ("mean_pool", POOL, '[odd] "r"(0x01000100)', '[odd] "r"(0x01000001)'),
    "the odd row": ("mean_pool", POOL, "if (job.rows % 2)", "if (job.rows % 4 == 3)"),
    "columns behind the last": ("mean_pool", POOL, "i < 4 && c + i < job.columns", "i < 4"),
    "shares": ("mean_pool", POOL, "share_of((job.columns + 3) / 4", "share_of(job.columns / 4"),
    "identifiers of two bytes": ("embedding", LOOKUP, "job->id_bytes == 2 ?", "0 ?"),
    "the number of the row": (
        "embedding",
        LOOKUP,
        "ROW(job.position, row,",
        "ROW(job.position, 0,",
    ),
    "bytes behind words": ("embedding", LOOKUP, "i < bytes; i++", "i + 1 < bytes; i++"),
    "zeros behind a patch": ("patch_embed", PATCHES, "to[words - 1] = 0;", "to[words - 1] = -1;"),
    "the token's patch": (
        "patch_embed",
        PATCHES,
        "tokens--; patches += words",
        "tokens--; patches += 1",
    ),
    "the next block": ("patch_embed", PATCHES, "token += block", "token += block + 1"),
    "wide factors": ("patch_embed", PATCHES, "(int64_t)factor == (int32_t)factor", "factor"),
    "the first column": ("embedding", LOOKUP, "part.columns.first * job.table_bytes", "0"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(tmp_path, bug):
    kernel, *change = BUGS[bug]
    sources = [f"tokens/{kernel}.c"]
    if kernel == "embedding":
        sources.append("elementwise/scaled_sum.c")

    def cases(seed):
        return CASES[kernel](seed, 1 + seed % 5, 5 + seed)

    assert finds_bug(tmp_path, f"heed_{kernel}", sources, tuple(change), cases, 20)
