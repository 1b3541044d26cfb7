"""A LayerNorm job: each row standardised, then requantised by entries like any other."""

from sw_model import ops
from sw_model.engine.memory import Operand, Shapes
from sw_model.engine.output import element_type, results, store


def run_layernorm(memory: bytearray, f: dict[str, int]) -> Shapes:
    """Execute a checked LayerNorm job with fields `f`; return the shapes of what was written."""
    x, x_type = Operand.of(f, "x"), element_type(f, "x")
    heads = []
    for head in range(f["heads"]):
        rows = x.read(memory, head, f["rows"], f["columns"], x_type)
        heads.append(results(memory, f, head, ops.standardise(rows)))
    return store(memory, f, heads)
