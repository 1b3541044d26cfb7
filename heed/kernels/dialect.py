"""Jobs of the kernels of the QuantLib/Deeploy integer dialect.

Each function places the operands of the one of `sw_model.dialect` that has its name. Leading
dimensions of `x` become rows; the result is "y", a matrix. Values are not checked: the reference
says which ones are allowed. `row_align` is what the addresses of rows are multiples of, in bytes;
1 packs rows of bytes.
"""

import numpy as np

from heed.kernels.memory import ALIGN, Job, Memory, Place, Value
from hw.regmap import ElementType
from sw_model.dialect.checks import levels, shift_of
from sw_model.dialect.requant_shift import along


def _rows(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


def _type(dtype: np.dtype | str) -> ElementType:
    return ElementType[np.dtype(dtype).name.upper()]


def _spread(memory: Memory, values: np.ndarray, shape: tuple[int, ...]) -> tuple[Place, int, int]:
    """Place what numpy broadcasts to `shape`; return its steps for a row and a column, too."""
    values = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
    columns = values.shape[-1]
    if values.size == columns:
        rows = values.reshape(1, columns)
    else:
        rows = _rows(np.broadcast_to(values, (*shape[:-1], columns)))
    at = memory.put(rows, row_align=1)
    return at, at.stride if len(rows) > 1 else 0, at.strides[-1] if columns > 1 else 0


def _column_values(memory: Memory, values: np.ndarray, columns: int) -> Place:
    return memory.put(np.broadcast_to(np.asarray(values).astype(np.int32), columns))


def _matrix(memory: Memory, x: np.ndarray, dtype: str, row_align: int) -> dict[str, Value]:
    """Place a matrix and leave room for one like it; returns the fields that all kernels have."""
    x = _rows(x)
    at = memory.put(x, row_align=row_align)
    y = memory.room(x.shape, dtype, row_align=row_align)
    return {
        "x": at,
        "x_stride": at.stride,
        "x_type": _type(x.dtype),
        "y": y,
        "y_stride": y.stride,
        "rows": x.shape[0],
        "columns": x.shape[1],
    }


def _job(kernel: str, values: dict[str, Value]) -> Job:
    return Job(kernel, values, {"y": values["y"]})


def requant_shift(
    memory: Memory,
    x: np.ndarray,
    mul: np.ndarray,
    add: np.ndarray,
    *,
    div: int,
    n_levels: int,
    signed: bool,
    row_align: int = ALIGN,
) -> Job:
    """Place operands of `sw_model.dialect.requant_shift`."""
    low, high, dtype = levels(n_levels, signed)
    values = _matrix(memory, x, dtype, row_align) | {
        "y_type": _type(dtype),
        "shift": shift_of("div", div),
        "low": low,
        "high": high,
    }
    for name, given in (("mul", mul), ("add", add)):
        place, row, column = _spread(memory, along(name, given, x).astype(np.int32), x.shape)
        values |= {name: place, f"{name}_row": row, f"{name}_column": column}
    return _job("heed_requant_shift", values)


def i_softmax(
    memory: Memory,
    x: np.ndarray,
    *,
    coeff_a: int,
    coeff_b: int,
    coeff_c: int,
    log2: int,
    n_levels: int = 256,
    row_align: int = ALIGN,
) -> Job:
    """Place operands of `sw_model.dialect.i_softmax`."""
    values = _matrix(memory, x, "uint8", row_align) | {
        "coeff_a": coeff_a,
        "coeff_b": coeff_b,
        "coeff_c": coeff_c,
        "log2": log2,
        "n_levels": n_levels,
    }
    return _job("heed_i_softmax", values)


def ita_max(memory: Memory, x: np.ndarray, *, n_levels: int = 256, row_align: int = ALIGN) -> Job:
    """Place operands of `sw_model.dialect.ita_max`."""
    values = _matrix(memory, x, "uint8", row_align) | {"n_levels": n_levels}
    return _job("heed_ita_max", values)


def ita_partial_max(
    memory: Memory,
    x: np.ndarray,
    *,
    n_levels: int = 256,
    group: int = 16,
    row_align: int = ALIGN,
) -> Job:
    """Place operands of `sw_model.dialect.ita_partial_max`."""
    values = _matrix(memory, x, "int8", row_align) | {"n_levels": n_levels, "group": group}
    return _job("heed_ita_partial_max", values)


def i_layernorm(
    memory: Memory,
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    *,
    d: int,
    dtype: str = "int32",
    row_align: int = ALIGN,
) -> Job:
    """Place operands of `sw_model.dialect.i_layernorm`."""
    values = _matrix(memory, x, dtype, row_align) | {
        "y_type": _type(dtype),
        "w": _column_values(memory, w, x.shape[-1]),
        "b": _column_values(memory, b, x.shape[-1]),
        "shift": shift_of("D", d),
    }
    return _job("heed_i_layernorm", values)


def i_rmsnorm(
    memory: Memory,
    x: np.ndarray,
    w: np.ndarray,
    *,
    d: int,
    n_levels: int = 256,
    signed: bool = True,
    row_align: int = ALIGN,
) -> Job:
    """Place operands of `sw_model.dialect.i_rmsnorm`."""
    low, high, dtype = levels(n_levels, signed)
    values = _matrix(memory, x, dtype, row_align) | {
        "y_type": _type(dtype),
        "w": _column_values(memory, w, x.shape[-1]),
        "shift": shift_of("D", d),
        "low": low,
        "high": high,
    }
    return _job("heed_i_rmsnorm", values)


def i_nonorm(
    memory: Memory,
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    *,
    mul: int,
    d: int,
    n_levels: int = 256,
    signed: bool = True,
    row_align: int = ALIGN,
) -> Job:
    """Place operands of `sw_model.dialect.i_nonorm`."""
    low, high, dtype = levels(n_levels, signed)
    values = _matrix(memory, x, dtype, row_align) | {
        "y_type": _type(dtype),
        "w": _column_values(memory, w, x.shape[-1]),
        "b": _column_values(memory, b, x.shape[-1]),
        "mul": mul,
        "shift": shift_of("D", d),
        "low": low,
        "high": high,
    }
    return _job("heed_i_nonorm", values)


def i_gelu(memory: Memory, x: np.ndarray, *, b: int, one: int, row_align: int = ALIGN) -> Job:
    """Place operands of `sw_model.dialect.i_gelu`."""
    values = _matrix(memory, x, "int32", row_align) | {"b": b, "one": one}
    return _job("heed_i_gelu", values)


def i_hardswish(
    memory: Memory,
    x: np.ndarray,
    *,
    three: int,
    six: int,
    one_over_six: int,
    row_align: int = ALIGN,
) -> Job:
    """Place operands of `sw_model.dialect.i_hardswish`."""
    values = _matrix(memory, x, "int32", row_align) | {
        "three": three,
        "six": six,
        "one_over_six": one_over_six,
    }
    return _job("heed_i_hardswish", values)


def integer_div(
    memory: Memory,
    x: np.ndarray,
    y: np.ndarray,
    *,
    delta: int,
    eps: int,
    eta: int,
    dtype: str = "int32",
    row_align: int = ALIGN,
) -> Job:
    """Place operands of `sw_model.dialect.integer_div`."""
    by, by_row, by_column = _spread(memory, y, x.shape)
    values = _matrix(memory, x, dtype, row_align) | {
        "y_type": _type(dtype),
        "by": by,
        "by_row": by_row,
        "by_column": by_column,
        "by_type": _type(y.dtype),
        "delta": delta,
        "eps": eps,
        "eta": eta,
    }
    return _job("heed_integer_div", values)


def integer_mean(
    memory: Memory, x: np.ndarray, *, axis: int = -1, dtype: str = "int32", row_align: int = ALIGN
) -> Job:
    """Place operands of `sw_model.dialect.integer_mean`.

    The result has a row for each index before `axis` and a column for each one behind it.
    """
    axis %= x.ndim
    count, blocks = x.shape[axis], int(np.prod(x.shape[:axis]))
    x = x.reshape(blocks, count, -1)
    columns = x.shape[2]
    at = memory.put(x if columns > 1 else x[:, :, 0], row_align=row_align)
    y = memory.room((blocks, columns), dtype, row_align=row_align)
    values = {
        "x": at,
        "x_block": at.strides[0],
        "x_stride": at.strides[1],
        "x_type": _type(x.dtype),
        "y": y,
        "y_stride": y.stride,
        "y_type": _type(dtype),
        "blocks": blocks,
        "count": count,
        "columns": columns,
    }
    return _job("heed_integer_mean", values)
