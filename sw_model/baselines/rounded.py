"""Exact division, but probabilities of 8 bits: what most int8 Transformers multiply V with."""

import numpy as np


def rounded_probabilities(exponentials: np.ndarray) -> np.ndarray:
    """Return each row's exponentials over their sum in 255ths, rounded to the nearest.

    Parameters
    ----------
    exponentials
        Integers of 0 and more, [rows, columns].
    """
    exponentials = np.asarray(exponentials, np.int64)
    total = np.maximum(exponentials.sum(axis=1, keepdims=True), 1)
    return (2 * 255 * exponentials + total) // (2 * total)
