"""Jobs of the kernels that make sequences of tokens, or one of them."""

import numpy as np

from heed.kernels.entries import put_entries
from heed.kernels.memory import Job, Memory
from sw_model.ops import Entry


def mean_pool(memory: Memory, x: np.ndarray, entry: Entry) -> Job:
    """Place operands of `sw_model.ops.mean_pool`: int8 [S, C] becomes "y", int8 [1, C].

    Parameters
    ----------
    memory
        Where they go.
    x, entry
        Its arguments.
    """
    at = memory.put(x)
    y = memory.room((1, x.shape[1]), "int8")
    values = {
        "x": at,
        "x_stride": at.stride,
        "y": y,
        "entry": put_entries(memory, entry, 1),
        "rows": x.shape[0],
        "columns": x.shape[1],
    }
    return Job("heed_mean_pool", values, {"y": y})
