"""What `heed bench kernels` measures: jobs of kernels, their operands and results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from heed.kernels import Job, Memory, Place
from heed.kernels.attention import Heads, Mask, attention, logits, row_factors
from heed.kernels.linear import linear
from heed.toolchain.kernels import CoreEntries
from sw_model import ops

BLOCK = 4
"""Rows and columns of the sums that a core keeps in registers."""

HARTS = 8
"""For how many harts scratch is set aside."""


@dataclass(frozen=True)
class Work:
    """Jobs, ready to run.

    Parameters
    ----------
    image
        Memory with their operands.
    done
        The jobs, each with its results.
    """

    image: np.ndarray
    done: tuple[tuple[Job, Mapping[str, np.ndarray]], ...]


@dataclass(frozen=True)
class Item:
    """Something to measure.

    Parameters
    ----------
    name
    build
        Makes its jobs.
    macs
        Multiply-accumulates; 0 for work on elements.
    elements
        Results of work on elements; 0 for others.
    bound
        Least cycles of one core, by the instructions of its inner loops; 0 where nobody counted.
    published
        Cycles on GAP8 by the number of cores, as far as they are known: those of the same work for
        the attention layer, else by the best rate of the published kernel of this kind.
    """

    name: str
    build: Callable[[], Work]
    macs: int = 0
    elements: int = 0
    bound: float = 0.0
    published: Mapping[int, float] = field(default_factory=dict)


def product_bound(rows: int, columns: int, inner: int) -> float:
    """Return the least cycles of one core for a requantised product.

    A step of a block is 8 loads and 16 dot products of 4; a block ends with 16 requantisations and
    4 stores.
    """
    block = inner / 4 * (2 * BLOCK + BLOCK * BLOCK) + BLOCK * BLOCK + BLOCK
    return rows * columns / BLOCK**2 * block


def softmax_bound(rows: int, keys: int) -> float:
    """Return the least cycles of one core for exponentials: per four keys 12, and 2 for maxima."""
    return rows * keys / 4 * (12 + 2)


def entries(rng: np.random.Generator, size: int, inner: int, spread: float = 1.0) -> CoreEntries:
    """Return requantisations that keep results of products busy, and rarely clip them."""
    return CoreEntries(
        bias=rng.integers(-1000, 1001, size),
        mul=rng.integers(int(spread * (1 << 15)), int(spread * (1 << 16)), size),
        shift=np.full(size, 22 + inner.bit_length() // 2),
        zero=rng.integers(-20, 21, size),
    )


def int8(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return elements of any value."""
    return rng.integers(-128, 128, shape).astype(np.int8)


def weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return weights: -127 to 127."""
    return rng.integers(-127, 128, shape).astype(np.int8)


class Chain:
    """Grows a `Work` job by job, each with its reference.

    Parameters
    ----------
    seed
        Of all values.
    """

    def __init__(self, seed: int = 0):
        self.rng = np.random.default_rng(seed)
        self.memory = Memory()
        self._done: list[tuple[Job, Mapping[str, np.ndarray]]] = []

    def add(self, job: Job, **results: np.ndarray) -> Place:
        """Add a job with its results; return the place of the first one."""
        self._done.append((job, results))
        return next(iter(job.results.values()))

    def linear(
        self, x: tuple[Place, np.ndarray], channels: int, heads: int = 1, transposed: bool = False
    ) -> tuple[Place, np.ndarray]:
        """Add a linear layer of random weights; return place and value of its result."""
        place, value = x
        inner = value.shape[1]
        weight, entry = weights(self.rng, channels, inner), entries(self.rng, channels, inner)
        job = linear(self.memory, place, weight, entry, heads=heads, transposed=transposed)
        y = ops.linear(value, weight, entry.entry, transposed=transposed)
        placed = ops.split_heads(y, heads) if heads > 1 else y
        return self.add(job, y=placed), y

    def work(self) -> Work:
        """Return all of it."""
        return Work(self.memory.image(), tuple(self._done))


def matmul(rows: int, columns: int, inner: int) -> Work:
    """Return a product, requantised for each column."""
    chain = Chain()
    x = int8(chain.rng, rows, inner)
    chain.linear((chain.memory.put(x), x), columns)
    return chain.work()


def random_heads(rng: np.random.Generator, heads: int, size: int) -> Heads:
    """Return parameters of attention that spread the logits of random operands over int8."""
    deviation = 74.0**2 * size**0.5
    mul = np.rint(rng.uniform(25, 45, heads) / deviation * 2**24).astype(np.int64)
    logit = CoreEntries(
        bias=rng.integers(-300, 301, heads),
        mul=mul,
        shift=np.full(heads, 24),
        zero=rng.integers(-10, 31, heads),
    )
    return Heads(logit, j=rng.integers(1, 6, heads), g=rng.integers(0, 2, heads))


def _exponentials(q: np.ndarray, k: np.ndarray, heads: Heads, keys: int) -> dict[str, np.ndarray]:
    """Return the results of `heed_logits` for head-major q and k."""
    values = ops.attention_logits(q, k, heads.logit.entry)
    e = ops.exponential(values, np.arange(values.shape[-1]) < keys, heads.j[:, None, None])
    e = np.pad(e, ((0, 0), (0, 0), (0, -e.shape[-1] % 4)))
    return {"e": e, "factors": row_factors(e, heads.g)}


def logits_softmax(tokens: int, size: int, heads: int) -> Work:
    """Return Q K^T of all heads, and its softmax."""
    chain = Chain()
    q, k = (int8(chain.rng, heads, tokens, size) for _ in range(2))
    parameters = random_heads(chain.rng, heads, size)
    places = (chain.memory.put(q), chain.memory.put(k))
    job = logits(chain.memory, *places, parameters, Mask(tokens))
    chain.add(job, **_exponentials(q, k, parameters, tokens))
    return chain.work()


def attention_layer(tokens: int, embedding: int, heads: int, size: int) -> Work:
    """Return Q, K, V, attention and the output projection."""
    chain = Chain()
    x = int8(chain.rng, tokens, embedding)
    data = (chain.memory.put(x), x)
    q_at, q = chain.linear(data, heads * size, heads)
    k_at, k = chain.linear(data, heads * size, heads)
    vt_at, vt = chain.linear(data, heads * size, transposed=True)
    parameters = random_heads(chain.rng, heads, size)
    job = attention(chain.memory, q_at, k_at, vt_at, parameters, Mask(tokens), harts=HARTS)
    entry = parameters.logit.entry
    y, _ = ops.attention(q, k, vt, entry, heads=heads, j=parameters.j, g=parameters.g)
    chain.linear((chain.add(job, y=y), y), embedding)
    return chain.work()


def _matmul_item(inner: int) -> Item:
    size = 64
    macs = size * size * inner
    return Item(
        name=f"matmul-k{inner}",
        build=lambda: matmul(size, size, inner),
        macs=macs,
        bound=product_bound(size, size, inner),
        published={8: macs / 15.39},
    )


def _logits_item(heads: int, tokens: int, size: int) -> Item:
    macs = heads * tokens * tokens * size
    one = product_bound(tokens, tokens, size) + softmax_bound(tokens, tokens)
    return Item(
        name=f"logits-softmax-h{heads}",
        build=lambda: logits_softmax(tokens, size, heads),
        macs=macs,
        bound=heads * one,
        published={8: macs / 11.62},
    )


def _layer_item() -> Item:
    tokens, embedding, heads, size = 32, 64, 16, 64
    width = heads * size
    one = product_bound(tokens, tokens, size) + product_bound(tokens, size, tokens)
    one += softmax_bound(tokens, tokens)
    return Item(
        name="attention-layer",
        build=lambda: attention_layer(tokens, embedding, heads, size),
        macs=4 * tokens * embedding * width + 2 * tokens * tokens * width,
        bound=3 * product_bound(tokens, width, embedding)
        + heads * one
        + product_bound(tokens, embedding, width),
        published={1: 5_845_497, 2: 2_950_708, 4: 1_508_694, 8: 929_130},
    )


MATRIX_ITEMS = (
    _matmul_item(64),
    _matmul_item(192),
    _logits_item(8, 24, 32),
    _logits_item(12, 24, 32),
    _logits_item(16, 32, 64),
    _layer_item(),
)
