"""How rows of all heads are dealt out to eight cores: no number of heads leaves them idle."""

from functools import cache

import numpy as np
import pytest

from heed.bench.kernel_items import int8, random_heads
from heed.bench.kernels import deep
from heed.kernels import Cluster, Memory
from heed.kernels.attention import Mask, attention
from heed.simulator.iss import IssSimulator
from hw.presets import PAPER

CORES = 8
MOST_HEADS = 32


@cache
def cluster():
    return Cluster(IssSimulator(deep(PAPER)))


@cache
def cycles(tokens, size, rows, heads, cores):
    """Of attention with `rows` queries of each head; the estimate of the simulator."""
    rng = np.random.default_rng(0)
    memory = Memory()
    q, k = memory.put(int8(rng, heads, rows, size)), memory.put(int8(rng, heads, tokens, size))
    vt = memory.put(int8(rng, heads * size, tokens))
    job = attention(memory, q, k, vt, random_heads(rng, heads, size), Mask(tokens), harts=CORES)
    return cluster().run(memory.image(), [job], cores).cycles


def best_split(tokens, size, heads):
    """Least cycles of the slowest core over all ways to deal out runs of rows.

    A run of rows of one head costs what a core takes for it; what a job costs besides is left out.
    """
    start = 2 * cycles(tokens, size, 1, 1, 1) - cycles(tokens, size, 1, 2, 1)
    cost = [cycles(tokens, size, rows, 1, 1) - start for rows in range(1, tokens + 1)]

    def fits(limit):
        """Whether cores that take as many rows as they can within the limit are enough."""
        cores, left = 1, limit
        for _ in range(heads):
            rows = tokens
            while rows:
                run = max((n for n in range(rows + 1) if not n or cost[n - 1] <= left), default=0)
                if run:
                    rows, left = rows - run, left - cost[run - 1]
                elif left == limit:
                    return False
                else:
                    cores, left = cores + 1, limit
        return cores <= CORES

    low, high = 0, heads * cost[-1]
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return start + low


@pytest.mark.parametrize("tokens, size", [(24, 32), (32, 64)])
def test_no_number_of_heads_loses_a_tenth(tokens, size):
    losses = {}
    for heads in range(1, MOST_HEADS + 1):
        taken = cycles(tokens, size, tokens, heads, CORES)
        losses[heads] = 1 - best_split(tokens, size, heads) / taken
    assert max(losses.values()) <= 0.1, losses


def test_whole_heads_would_lose():
    """What splitting by heads alone costs: 12 heads take as long as 16 would."""
    one = cycles(24, 32, 24, 1, 1)
    assert 2 * one > 1.25 * cycles(24, 32, 24, 12, CORES)
