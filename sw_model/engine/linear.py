"""A linear job: products of matrices, requantised."""

import numpy as np

from hw.config import TCDM_BASE
from hw.regmap import PARAMETER, TABLE_BYTES, ElementType, ParamMode
from sw_model import ops
from sw_model.engine.memory import Operand, read_records

Shapes = dict[str, tuple[int, ...]]


def _entry(memory: bytearray, f: dict[str, int], head: int) -> tuple[ops.Entry, int]:
    """Return the entries that serve a head, and the axis of Y along which they run."""
    first, count, axis = {
        ParamMode.COMMON: (0, 1, -1),
        ParamMode.COLUMN: (head * f["columns"], f["columns"], -1),
        ParamMode.ROW: (head * f["rows"], f["rows"], -2),
        ParamMode.HEAD: (head, 1, -1),
    }[ParamMode(f["param_mode"])]
    fields = read_records(memory, PARAMETER, f["param_base"], first, count)
    return ops.Entry(fields["mul"], fields["add"], fields["shift"]), axis


def _head(memory: bytearray, f: dict[str, int], head: int) -> np.ndarray:
    x_type = ElementType(f["x_type"]).name.lower()
    y_type = ElementType(f["y_type"]).name.lower()
    x = Operand.of(f, "x").read(memory, head, f["rows"], f["inner"], x_type)
    w = Operand.of(f, "w").read(memory, head, f["columns"], f["inner"], "int8")
    acc = ops.accumulate(x, w)
    if f["y_type"] == ElementType.INT32:
        return ops.requantise(acc, None, y_type)
    entry, axis = _entry(memory, f, head)
    if not f["use_table"]:
        return ops.requantise(acc, entry, y_type, axis=axis)
    start = f["table_base"] - TCDM_BASE
    table = np.frombuffer(bytes(memory[start : start + TABLE_BYTES]), np.int8)
    return ops.activation(ops.requantise(acc, entry, "int8", axis=axis), table)


def run_linear(memory: bytearray, f: dict[str, int]) -> Shapes:
    """Execute a checked linear job with fields `f`; return the shapes of what was written."""
    results = [_head(memory, f, head) for head in range(f["heads"])]
    y = Operand.of(f, "y")
    for head, result in enumerate(results):
        y.write(memory, head, result)
    return {"y": (f["heads"], f["rows"], f["columns"])}
