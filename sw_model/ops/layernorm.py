"""LayerNorm in integers: exact statistics, one reciprocal a row."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.requantise import Entry, requantise
from sw_model.ops.softmax import bit_length

#: Bits of the standard deviation and its reciprocal, and fraction bits of the normalised value.
PRECISION = 16
FRACTION = 10

#: Widest row: its exact variance still fits 64 bits with room.
MAX_CHANNELS = 4096


def integer_sqrt(values: np.ndarray) -> np.ndarray:
    """Return floor(sqrt(v)) of int64 values below 2^52, exactly."""
    root = np.floor(np.sqrt(values.astype(np.float64))).astype(np.int64)
    root = np.where(root * root > values, root - 1, root)
    return np.where((root + 1) * (root + 1) <= values, root + 1, root)


def standardise(x: np.ndarray) -> np.ndarray:
    """Return (x - mean) / deviation of each row with 10 fraction bits, as int16.

    Parameters
    ----------
    x
        int16 [..., C], C from 1 to 4096. A constant row gives zeros.
    """
    x = check.elements("LayerNorm input", x, "int16")
    check.dimensions("LayerNorm input", x, 1)
    channels = x.shape[-1]
    if channels > MAX_CHANNELS:
        raise ValueError(f"LayerNorm over {channels} channels; allowed is 1 to {MAX_CHANNELS}")
    s1 = x.sum(axis=-1, keepdims=True)
    s2 = (x * x).sum(axis=-1, keepdims=True)
    variance = np.maximum(channels * s2 - s1 * s1, 1)  # C^2 times the variance
    centred = channels * x - s1  # C times the distance to the mean

    # Scale by an even power of two to exactly 32 bits, so that the root has exactly 16.
    e = (bit_length(variance) + 1) >> 1
    up, down = np.maximum(2 * (PRECISION - e), 0), np.maximum(2 * (e - PRECISION), 0)
    root = integer_sqrt((variance << up) >> down)
    r = np.minimum((1 << (2 * PRECISION - 1)) // root, 2**PRECISION - 1)

    shift = PRECISION - 1 + e - FRACTION  # at least 6
    half = (np.int64(1) << shift) >> 1
    return np.clip((centred * r + half) >> shift, -32768, 32767).astype(np.int16)


def layernorm(x: np.ndarray, entry: Entry) -> np.ndarray:
    """Return `clip8((xhat*gmul + gadd) >> gshift)` of the standardised rows.

    Parameters
    ----------
    x
        int16 [..., C], C from 1 to 4096.
    entry
        gmul, gadd, gshift of each channel as mul, add, shift: gamma, beta, the output's scale and
        the rounding half.
    """
    return requantise(standardise(x), entry, "int8")
