"""NoNorm: a scale and an offset a channel, where others normalise."""

import numpy as np

from sw_model.ops import check
from sw_model.ops.requantise import Entry, requantise


def nonorm(x: np.ndarray, entry: Entry, *, residual: np.ndarray | None = None) -> np.ndarray:
    """Return `clip8((x*mul + ((residual*rmul) << rsh) + add) >> shift)`.

    Parameters
    ----------
    x
        int8 or int16 [..., C].
    entry
        One entry a channel, or one for all: scale, offset, and the rounding half.
    residual
        int8 or int16 of the same shape, joined before the shift.

    Raises
    ------
    ValueError
        If shapes or types do not go together.
    """
    x = check.elements("NoNorm input", x, "int16", "int8")
    check.dimensions("NoNorm input", x, 1)
    return requantise(x, entry, "int8", residual=residual)
