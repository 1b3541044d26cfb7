"""ITA's softmax: powers of two without fraction, a running sum, probabilities of 8 bits.

After G. Islamoglu et al., "ITA: An Energy-Efficient Attention and Softmax Accelerator for Quantized
Transformers", ISLPED 2023 (arXiv 2307.03493), and the function `streamingPartialSoftmax` of the
accelerator's public model (github.com/pulp-platform/ITA, PyITA/softmax.py).
"""

import numpy as np

WIDTH = 16
"""Columns that are looked at together: the accelerator's dot-product units."""

STEPS = 32
"""Logit steps of an octave in the paper: int8 covers 4 octaves on either side of 0."""


def ita_window(octaves: np.ndarray) -> np.ndarray:
    """Return logits, given in octaves, as int8 in the paper's fixed steps; what is beyond clips."""
    return np.clip(np.floor(octaves * STEPS + 0.5), -128, 127).astype(np.int8)


def _shift(distance: np.ndarray, steps: int) -> np.ndarray:
    """Return a distance in whole octaves, halves rounded up; beyond 31 all bits are gone."""
    return np.minimum((distance + (steps >> 1)) // steps, 31)


def ita_probabilities(logits: np.ndarray, steps: int = STEPS, *, width: int = WIDTH) -> np.ndarray:
    """Return a row's probabilities in 256ths, rounded down.

    Each logit counts as 256 shifted right by its distance to the maximum seen so far; the sum is
    shifted when a later part of the row has a larger one. The sum is inverted to 8 bits, and
    that is shifted for each column.

    Parameters
    ----------
    logits
        int8 [rows, columns].
    steps
        Logit steps of an octave, a power of two.
    width
        Columns that are looked at together. With all of them the maximum is known beforehand: what
        the accelerator's running maximum costs is left out.
    """
    logits = np.asarray(logits, np.int64)
    top = np.full((len(logits), 1), -128, np.int64)
    total = np.zeros_like(top)
    for first in range(0, logits.shape[1], width):
        part = logits[:, first : first + width]
        higher = np.maximum(top, part.max(axis=1, keepdims=True))
        total >>= _shift(higher - top, steps)
        top = higher
        total += (256 >> _shift(top - part, steps)).sum(axis=1, keepdims=True)
    return (255 * 256 // total) >> _shift(top - logits, steps)
