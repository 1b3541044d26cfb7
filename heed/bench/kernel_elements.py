"""Work on elements that `heed bench kernels` measures: normalisation, additions, tables."""

from collections.abc import Callable

import numpy as np

from heed.bench.kernel_items import Item, Work
from heed.kernels import Job, Memory
from heed.kernels.elementwise import activation, add, requantise
from heed.kernels.norm import layernorm, nonorm
from heed.kernels.tokens import mean_pool
from heed.toolchain.kernels import CoreEntries
from sw_model import ops

SEED = 0


def _work(memory: Memory, job: Job, y: np.ndarray) -> Work:
    return Work(memory.image(), ((job, {"y": y}),))


def _entry(rng: np.random.Generator, size: int, shift: int, **residual: int) -> ops.Entry:
    """Return entries as the flow makes them: multipliers of 15 bits, rounding half up."""
    return ops.Entry(
        mul=rng.integers(1 << 14, 1 << 15, size),
        add=(rng.integers(-20, 21, size) << shift) + (1 << shift - 1),
        shift=np.full(size, shift),
        **residual,
    )


def _stream(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Return int16 rows like those of a residual stream."""
    return np.clip(rng.normal(0, 3000, (rows, columns)), -32768, 32767).astype(np.int16)


def _layernorm() -> Work:
    memory = Memory()
    rng = np.random.default_rng(SEED)
    x, entry = _stream(rng, 128, 128), _entry(rng, 128, 19)
    return _work(memory, layernorm(memory, x, entry), ops.layernorm(x, entry))


def _layernorm_core() -> Work:
    memory = Memory()
    rng = np.random.default_rng(SEED)
    x = _stream(rng, 128, 128)
    entries = CoreEntries(
        bias=rng.integers(-1000, 1001, 128),
        mul=rng.integers(1 << 14, 1 << 15, 128),
        shift=np.full(128, 19),
        zero=rng.integers(-20, 21, 128),
    )
    return _work(memory, layernorm(memory, x, entries), ops.layernorm(x, entries.entry))


def _nonorm() -> Work:
    memory = Memory()
    rng = np.random.default_rng(SEED)
    x, entry = _stream(rng, 128, 128), _entry(rng, 128, 20)
    return _work(memory, nonorm(memory, x, entry), ops.nonorm(x, entry))


def _gelu() -> Work:
    memory = Memory()
    rng = np.random.default_rng(SEED)
    x = rng.integers(-128, 128, (128, 512)).astype(np.int8)
    t = np.arange(-128, 128) / 24
    table = np.rint(24 * t / (1 + np.exp(-1.702 * t))).clip(-128, 127).astype(np.int8)
    return _work(memory, activation(memory, x, table), ops.activation(x, table))


def _residual_add() -> Work:
    memory = Memory()
    rng = np.random.default_rng(SEED)
    a, b = _stream(rng, 128, 128), _stream(rng, 128, 128)
    entry = ops.Entry(mul=20857, add=1 << 14, shift=15, rmul=29026, rsh=0)
    return _work(memory, add(memory, a, b, entry), ops.add(a, b, entry))


def _requantise() -> Work:
    memory = Memory()
    rng = np.random.default_rng(SEED)
    x = rng.integers(-30000, 30001, (128, 64)).astype(np.int32)
    entries = CoreEntries(
        bias=rng.integers(-1000, 1001, 64),
        mul=rng.integers(1 << 15, 1 << 16, 64),
        shift=np.full(64, 23),
        zero=rng.integers(-20, 21, 64),
    )
    return _work(memory, requantise(memory, x, entries), ops.requantise(x, entries.entry))


def _requantise_general() -> Work:
    memory = Memory()
    rng = np.random.default_rng(SEED)
    x, entry = rng.integers(-30000, 30001, (128, 64)).astype(np.int32), _entry(rng, 64, 22)
    return _work(memory, requantise(memory, x, entry), ops.requantise(x, entry))


def _mean_pool() -> Work:
    memory = Memory()
    rng = np.random.default_rng(SEED)
    x = rng.integers(-128, 128, (128, 128)).astype(np.int8)
    entry = ops.Entry(mul=23168, add=1 << 19, shift=20)
    return _work(memory, mean_pool(memory, x, entry), ops.mean_pool(x, entry))


def _item(name: str, elements: int, build: Callable[[], Work], bound: float) -> Item:
    """Return an item; `bound` is the least cycles an element, by the instructions of the loops."""
    return Item(name=name, build=build, elements=elements, bound=elements * bound)


ELEMENT_ITEMS = (
    _item("layernorm", 128 * 128, _layernorm, 11.0),
    _item("layernorm-core", 128 * 128, _layernorm_core, 9.0),
    _item("nonorm", 128 * 128, _nonorm, 4.5),
    _item("gelu", 128 * 512, _gelu, 2.75),
    _item("residual-add", 128 * 128, _residual_add, 6.0),
    _item("requantise", 128 * 64, _requantise, 3.25),
    _item("requantise-general", 128 * 64, _requantise_general, 9.0),
    _item("mean-pool", 128 * 128, _mean_pool, 1.0),
)
