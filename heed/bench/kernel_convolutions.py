"""Convolutions and pools that `heed bench kernels` measures."""

import numpy as np

from heed.bench.kernel_items import BLOCK, HARTS, Item, Work, entries, weights
from heed.kernels import Memory
from heed.kernels.convolution import conv2d, depthwise
from sw_model import ops

SAME = (1, 1, 1, 1)
"""Padding that keeps the size with kernels of 3 x 3."""


def _images(rng: np.random.Generator, height: int, width: int, channels: int) -> np.ndarray:
    return rng.integers(0, 256, (1, height, width, channels)).astype(np.uint8)


def _conv2d(
    shape: tuple[int, int, int], weight: tuple[int, int, int], padding, pool=(1, 1)
) -> Work:
    """Return a convolution of height, width, channels with outputs, kernel height and width."""
    rng, memory = np.random.default_rng(0), Memory()
    x, w = _images(rng, *shape), weights(rng, *weight, shape[2])
    form = entries(rng, weight[0], w[0].size, spread=0.4)
    how = {"padding": padding, "pool": pool}
    job = conv2d(memory, x, w, form, "int8", harts=HARTS, **how)
    return Work(memory.image(), ((job, {"y": ops.conv2d(x, w, form.entry, "int8", **how)}),))


def _depthwise(height: int, width: int, channels: int) -> Work:
    rng, memory = np.random.default_rng(0), Memory()
    x, w = _images(rng, height, width, channels), weights(rng, channels, 3, 3)
    form = entries(rng, channels, 9, spread=0.4)
    job = depthwise(memory, x, w, form, "int8", harts=HARTS, padding=SAME)
    y = ops.depthwise(x, w, form.entry, "int8", padding=SAME)
    return Work(memory.image(), ((job, {"y": y}),))


def _bound(pixels: int, outputs: int, inner: int) -> float:
    """Return the least cycles of a core: blocks of four pixels and four outputs alone.

    A block takes 24 instructions for four products of each sum, and 20 for results.
    """
    return pixels / BLOCK * outputs / BLOCK * (24 * -(-inner // 4) + 20)


CONVOLUTION_ITEMS = (
    Item(
        name="conv-3x5-pool",  # the second layer of the radar CNN, one frame
        build=lambda: _conv2d((10, 98, 16), (32, 3, 5), (1, 2, 1, 2), (3, 5)),
        macs=9 * 95 * 32 * 3 * 5 * 16,
        bound=_bound(9 * 95, 32, 3 * 5 * 16),
    ),
    Item(
        name="conv-3x3",
        build=lambda: _conv2d((16, 16, 32), (32, 3, 3), SAME),
        macs=16 * 16 * 32 * 9 * 32,
        bound=_bound(16 * 16, 32, 9 * 32),
    ),
    Item(
        name="conv-1x1",
        build=lambda: _conv2d((16, 16, 32), (64, 1, 1), (0, 0, 0, 0)),
        macs=16 * 16 * 64 * 32,
        bound=_bound(16 * 16, 64, 32),
    ),
    Item(
        name="depthwise-3x3",
        build=lambda: _depthwise(16, 16, 32),
        macs=16 * 16 * 32 * 9,
    ),
)
