"""Softmax in integers, in the two halves that stand around the product with V.

The exponential is a power of two: one logit step is 2^-j octave, so the integer part of the
distance to the row maximum is a shift and its fraction a table of 16. No probability is ever
formed: with N = sum(E*V) and D = sum(E), both exact, only the quotient N/D is rounded.
"""

import numpy as np

from sw_model.ops import check

#: round(255 * 2^(-f/16)) for f = 0..15.
EXP2_TABLE = np.floor(255 * 2.0 ** (-np.arange(16) / 16) + 0.5).astype(np.int64)

#: Allowed logit steps: 2^-j octave.
J_LIMITS = (1, 5)

RECIPROCAL_BITS = 12


def exponential(logits: np.ndarray, mask: np.ndarray, j) -> np.ndarray:
    """Return E = 255 * 2^(-(M - L) / 2^j), rounded, as uint8; 0 where masked.

    M is the largest unmasked logit of the row. A row without any gives zeros.

    Parameters
    ----------
    logits
        int8 [..., columns].
    mask
        Boolean, broadcastable to `logits`: True where the column counts.
    j
        1..5, a number or an array that broadcasts against `logits`.

    Raises
    ------
    ValueError
        If j is out of range or a logit is no int8.
    """
    logits = check.elements("logits", logits, "int8")
    j = check.integers("j", j, *J_LIMITS)
    mask = np.broadcast_to(mask, logits.shape)
    top = np.max(np.where(mask, logits, -128), axis=-1, keepdims=True)
    distance = np.where(mask, top - logits, 0)
    sixteenths = np.where(j == 5, (distance + 1) >> 1, distance << np.maximum(4 - j, 0))
    octaves = np.minimum(sixteenths >> 4, 9)  # from 9 octaves on the result is 0
    mantissa = EXP2_TABLE[sixteenths & 15]
    e = (mantissa + ((1 << octaves) >> 1)) >> octaves
    return np.where(mask, e, 0).astype(np.uint8)


def bit_length(values: np.ndarray) -> np.ndarray:
    """Return the number of bits of each non-negative int64; 0 for 0."""
    left = np.array(values, np.int64)
    count = np.zeros(left.shape, np.int64)
    for step in (32, 16, 8, 4, 2, 1):
        big = left >> step > 0
        count += np.where(big, step, 0)
        left = np.where(big, left >> step, left)
    return count + left


def reciprocal(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (r, nb) with 1/D close to r / 2^(11 + nb); r has 12 bits, nb is the length of D.

    D = 0, a fully masked row, counts as 1.

    Parameters
    ----------
    total
        D, the sum of a row of E, 0 or more.
    """
    total = np.maximum(check.integers("D", total, 0, 2**50), 1)
    length = bit_length(total)
    r = (np.int64(1) << (RECIPROCAL_BITS - 1 + length)) // total
    return np.minimum(r, 2**RECIPROCAL_BITS - 1), length


def normalise(weighted: np.ndarray, total: np.ndarray, g) -> np.ndarray:
    """Return N / D times 2^g, rounded half up and clipped, as int8.

    Parameters
    ----------
    weighted
        N = sum(E*V), exact.
    total
        D = sum(E), broadcastable to N.
    g
        Gain, 0 or 1: a number or an array that broadcasts against N.

    Raises
    ------
    ValueError
        If g is out of range.
    """
    g = check.integers("g", g, 0, 1)
    r, length = reciprocal(total)
    shift = RECIPROCAL_BITS - 1 + length - g
    half = (np.int64(1) << shift) >> 1
    y = (np.asarray(weighted, np.int64) * r + half) >> shift
    return np.clip(y, -128, 127).astype(np.int8)
