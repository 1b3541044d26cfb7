"""Mean over the tokens of a sequence."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.requantise import Entry, requantise


def mean_pool(x: np.ndarray, entry: Entry) -> np.ndarray:
    """Return the requantised sum over the rows: int8 [..., 1, C] of int8 [..., S, C].

    The sum is exact; the division by S is part of the entry's mul and shift.
    """
    x = check.elements("mean pool input", x, "int8")
    check.dimensions("mean pool input", x, 2)
    return requantise(x.sum(axis=-2, keepdims=True), entry, "int8")
