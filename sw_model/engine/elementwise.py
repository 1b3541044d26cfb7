"""An element-wise job: X's elements take the place of sums."""

from sw_model.engine.memory import Operand, Shapes
from sw_model.engine.output import element_type, results, store


def run_elementwise(memory: bytearray, f: dict[str, int]) -> Shapes:
    """Execute a checked element-wise job with fields `f`; return the shapes of what was written."""
    x, x_type = Operand.of(f, "x"), element_type(f, "x")
    heads = []
    for head in range(f["heads"]):
        elements = x.read(memory, head, f["rows"], f["columns"], x_type)
        heads.append(results(memory, f, head, elements))
    return store(memory, f, heads)
