"""Work on elements that `heed bench kernels` measures: normalisation, additions, tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from heed.kernels import Job, Memory
from heed.kernels.elementwise import activation, add, requantise
from heed.kernels.norm import layernorm, nonorm
from heed.kernels.tokens import mean_pool
from heed.toolchain.kernels import CoreEntries
from sw_model import ops

Made = tuple[list[Job], list[Mapping[str, np.ndarray]]]
"""Jobs, and the results of each."""

SEED = 0


@dataclass(frozen=True)
class ElementItem:
    """A kernel on one matrix.

    Parameters
    ----------
    name
    elements
        How many there are.
    build
        Places the operands in a memory; returns the jobs and the results of each.
    bound
        Least cycles an element of one core, by the instructions of the inner loops.
    """

    name: str
    elements: int
    build: Callable[[Memory], Made]
    bound: float


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


def _layernorm(memory: Memory) -> Made:
    rng = np.random.default_rng(SEED)
    x, entry = _stream(rng, 128, 128), _entry(rng, 128, 19)
    return [layernorm(memory, x, entry)], [{"y": ops.layernorm(x, entry)}]


def _layernorm_core(memory: Memory) -> Made:
    rng = np.random.default_rng(SEED)
    x = _stream(rng, 128, 128)
    entries = CoreEntries(
        bias=rng.integers(-1000, 1001, 128),
        mul=rng.integers(1 << 14, 1 << 15, 128),
        shift=np.full(128, 19),
        zero=rng.integers(-20, 21, 128),
    )
    return [layernorm(memory, x, entries)], [{"y": ops.layernorm(x, entries.entry)}]


def _nonorm(memory: Memory) -> Made:
    rng = np.random.default_rng(SEED)
    x, entry = _stream(rng, 128, 128), _entry(rng, 128, 20)
    return [nonorm(memory, x, entry)], [{"y": ops.nonorm(x, entry)}]


def _gelu(memory: Memory) -> Made:
    rng = np.random.default_rng(SEED)
    x = rng.integers(-128, 128, (128, 512)).astype(np.int8)
    t = np.arange(-128, 128) / 24
    table = np.rint(24 * t / (1 + np.exp(-1.702 * t))).clip(-128, 127).astype(np.int8)
    return [activation(memory, x, table)], [{"y": ops.activation(x, table)}]


def _residual_add(memory: Memory) -> Made:
    rng = np.random.default_rng(SEED)
    a, b = _stream(rng, 128, 128), _stream(rng, 128, 128)
    entry = ops.Entry(mul=20857, add=1 << 14, shift=15, rmul=29026, rsh=0)
    return [add(memory, a, b, entry)], [{"y": ops.add(a, b, entry)}]


def _requantise(memory: Memory) -> Made:
    rng = np.random.default_rng(SEED)
    x = rng.integers(-30000, 30001, (128, 64)).astype(np.int32)
    entries = CoreEntries(
        bias=rng.integers(-1000, 1001, 64),
        mul=rng.integers(1 << 15, 1 << 16, 64),
        shift=np.full(64, 23),
        zero=rng.integers(-20, 21, 64),
    )
    return [requantise(memory, x, entries)], [{"y": ops.requantise(x, entries.entry)}]


def _requantise_general(memory: Memory) -> Made:
    rng = np.random.default_rng(SEED)
    x, entry = rng.integers(-30000, 30001, (128, 64)).astype(np.int32), _entry(rng, 64, 22)
    return [requantise(memory, x, entry)], [{"y": ops.requantise(x, entry)}]


def _mean_pool(memory: Memory) -> Made:
    rng = np.random.default_rng(SEED)
    x = rng.integers(-128, 128, (128, 128)).astype(np.int8)
    entry = ops.Entry(mul=23168, add=1 << 19, shift=20)
    return [mean_pool(memory, x, entry)], [{"y": ops.mean_pool(x, entry)}]


ELEMENT_ITEMS = (
    ElementItem("layernorm", 128 * 128, _layernorm, 11.0),
    ElementItem("layernorm-core", 128 * 128, _layernorm_core, 9.0),
    ElementItem("nonorm", 128 * 128, _nonorm, 4.5),
    ElementItem("gelu", 128 * 512, _gelu, 3.0),
    ElementItem("residual-add", 128 * 128, _residual_add, 6.0),
    ElementItem("requantise", 128 * 64, _requantise, 3.25),
    ElementItem("requantise-general", 128 * 64, _requantise_general, 9.0),
    ElementItem("mean-pool", 128 * 128, _mean_pool, 1.0),
)
