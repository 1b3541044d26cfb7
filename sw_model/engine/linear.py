"""A linear job: products of matrices, requantised."""

import numpy as np

from sw_model import ops
from sw_model.engine.memory import Operand, Shapes
from sw_model.engine.output import element_type, results, store


def _sums(memory: bytearray, f: dict[str, int], head: int) -> np.ndarray:
    x = Operand.of(f, "x").read(memory, head, f["rows"], f["inner"], element_type(f, "x"))
    w = Operand.of(f, "w").read(memory, head, f["columns"], f["inner"], "int8")
    return ops.accumulate(x, w)


def run_linear(memory: bytearray, f: dict[str, int]) -> Shapes:
    """Execute a checked linear job with fields `f`; return the shapes of what was written."""
    heads = [results(memory, f, head, _sums(memory, f, head)) for head in range(f["heads"])]
    return store(memory, f, heads)
