"""Rows of LayerNorm: random ones, and the definition of their sums."""

from math import isqrt

import numpy as np

from hw.config import EngineConfig
from verif.lib.streams import Item


def element_rows(x: np.ndarray, config: EngineConfig, rng, **fields) -> list[Item]:
    """Return the items of one row: N elements each, arbitrary ones behind the row's end."""
    items = []
    for start in range(0, len(x), config.units):
        part = x[start : start + config.units]
        filler = rng.integers(-(1 << 31), 1 << 31, config.units - len(part))
        last = start + config.units >= len(x)
        payload = {
            "row": 0,
            "count": len(part),
            "first": start == 0,
            "last": last,
            "normalise": 0,
            **fields,
            "values": [int(value) for value in (*part, *filler)],
        }
        payload["release"] = fields.get("release", 0) and last
        items.append(Item(payload))
    return items


def random_row(rng, channels: int) -> np.ndarray:
    """Return a row of an 8-bit or 16-bit type: random, extreme, constant or nearly so."""
    low, high = [(-128, 127), (0, 255), (-32768, 32767)][rng.integers(3)]
    kind = rng.integers(4)
    if kind == 0:
        return np.full(channels, rng.choice([low, 0, high]))
    if kind == 1:
        return rng.choice([low, high], channels)
    if kind == 2:
        return np.clip(rng.integers(low, high + 1) + rng.integers(-1, 2, channels), low, high)
    return rng.integers(low, high + 1, channels)


def scale(channels: int, total: int, squares: int) -> tuple[int, int]:
    """Return r and shift of a row by the definition, in Python's integers."""
    variance = max(channels * squares - total**2, 1)
    e = (variance.bit_length() + 1) // 2
    root = isqrt((variance << 32) >> (2 * e))
    return min((1 << 31) // root, (1 << 16) - 1), 15 + e - 10


def sums(x: np.ndarray) -> tuple[int, int, int]:
    """Return C, S1 and S2 of a row."""
    return len(x), int(x.sum()), int((x * x).sum())
