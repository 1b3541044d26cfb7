"""I-BERT's softmax: a second-order polynomial for the exponential, probabilities of 8 bits.

After S. Kim et al., "I-BERT: Integer-only BERT Quantization", ICML 2021 (arXiv 2101.01321), and the
class `IntSoftmax` of the published code (github.com/kssteven418/I-BERT,
fairseq/quantization/utils/quant_modules.py).
"""

import numpy as np

LN2 = 0.6931
POLYNOMIAL = (0.35815147, 0.96963238, 1.0)
"""a, b, c of a*x^2 + b*x + c, which is exp(x) for -ln 2 < x <= 0."""

OCTAVES = 30
"""Octaves below the maximum at which the exponential ends, and its fraction bits."""


def _exponential(distance: np.ndarray, scale: float) -> np.ndarray:
    """Return exp(scale * distance) of integers of 0 and less, as an integer of an unknown scale."""
    a, b, c = POLYNOMIAL
    octave = np.floor(-LN2 / scale)
    distance = np.maximum(distance, OCTAVES * octave)
    count = np.floor(distance / octave)
    rest = distance - count * octave
    value = rest * (rest + np.floor(b / a / scale)) + np.floor(c / a / scale**2)
    return np.maximum(np.floor(value * 2.0 ** (OCTAVES - count)), 0)


def ibert_probabilities(sums: np.ndarray, scale: float, bits: int = 8) -> np.ndarray:
    """Return each row's probabilities in units of 2^-bits, rounded down.

    The exponentials are quantised to 16 bits, of which the largest one takes them all; their sum
    is inverted to 32 bits.

    Parameters
    ----------
    sums
        Q K^T as the accumulators hold it, [rows, columns].
    scale
        What a step of them is worth in the exponent.
    bits
        Of a probability, 8 in the paper.
    """
    sums = np.asarray(sums, np.float64)  # the published code computes on integers in floats, too
    value = _exponential(sums - sums.max(axis=1, keepdims=True), scale)
    value = np.floor(value / (value.max() / 32767) + 0.5)
    inverse = np.floor(2.0**32 / value.sum(axis=1, keepdims=True))
    return np.floor(value * inverse / 2.0 ** (32 - bits)).astype(np.int64)
