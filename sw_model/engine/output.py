"""From sums to elements of Y: the join with R, the parameter entries, the activation table."""

import numpy as np

from hw.config import TCDM_BASE
from hw.regmap import PARAMETER, TABLE_BYTES, ElementType, ParamMode
from sw_model import ops
from sw_model.engine.memory import Operand, read_records


def element_type(f: dict[str, int], name: str) -> str:
    """Return the name of the type of operand `name` (x, r or y), as numpy calls it."""
    return ElementType(f[f"{name}_type"]).name.lower()


def _entry(memory: bytearray, f: dict[str, int], head: int) -> tuple[ops.Entry, int]:
    """Return the entries that serve a head, and the axis of Y along which they run."""
    first, count, axis = {
        ParamMode.COMMON: (0, 1, -1),
        ParamMode.COLUMN: (head * f["columns"], f["columns"], -1),
        ParamMode.ROW: (head * f["rows"], f["rows"], -2),
        ParamMode.HEAD: (head, 1, -1),
    }[ParamMode(f["param_mode"])]
    fields = read_records(memory, PARAMETER, f["param_base"], first, count)
    return ops.Entry(**fields), axis


def results(memory: bytearray, f: dict[str, int], head: int, acc: np.ndarray) -> np.ndarray:
    """Return what becomes of a head's sums, [rows, columns] elements of Y.

    The sums start from R with `accumulate`; `use_residual` joins R in the requantisation. The
    table's index is a result clipped to int8, its bytes are read as Y's type.
    """
    y_type = element_type(f, "y")
    residual = None
    if f["use_residual"] or f["accumulate"]:
        shape = f["rows"], f["columns"]
        residual = Operand.of(f, "r").read(memory, head, *shape, element_type(f, "r"))
    if f["accumulate"]:
        acc, residual = ops.wrap32(np.asarray(acc, np.int64) + residual), None
    if f["y_type"] == ElementType.INT32:
        return ops.requantise(acc, None, y_type)
    entry, axis = _entry(memory, f, head)
    if not f["use_table"]:
        return ops.requantise(acc, entry, y_type, residual=residual, axis=axis)
    start = f["table_base"] - TCDM_BASE
    table = np.frombuffer(bytes(memory[start : start + TABLE_BYTES]), np.int8)
    index = ops.requantise(acc, entry, "int8", residual=residual, axis=axis)
    return ops.activation(index, table).view(y_type)


def store(memory: bytearray, f: dict[str, int], heads: list[np.ndarray]) -> dict:
    """Write the results of all heads to Y; return its shape as a job's `written`."""
    y = Operand.of(f, "y")
    for head, result in enumerate(heads):
        y.write(memory, head, result)
    return {"y": (f["heads"], f["rows"], f["columns"])}
