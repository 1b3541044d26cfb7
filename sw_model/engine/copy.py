"""A copy: X's elements as they are, from one layout to another."""

from sw_model.engine.memory import Operand, Shapes
from sw_model.engine.output import element_type, store


def run_copy(memory: bytearray, f: dict[str, int]) -> Shapes:
    """Execute a checked copy with fields `f`; return the shapes of what was written."""
    x, x_type = Operand.of(f, "x"), element_type(f, "x")
    shape = f["rows"], f["columns"]
    return store(memory, f, [x.read(memory, head, *shape, x_type) for head in range(f["heads"])])
