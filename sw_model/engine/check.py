"""What makes a descriptor a good one: the definition that the engine's checker must match."""

from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
    MAX_CHANNELS,
    MAX_SIZE,
    OPERAND_ALIGN,
    PARAMETER,
    TABLE_BYTES,
    ElementType,
    Kind,
    MaskMode,
    ParamMode,
    Status,
)

ELEMENT_BYTES = {
    ElementType.INT8: 1,
    ElementType.UINT8: 1,
    ElementType.INT16: 2,
    ElementType.INT32: 4,
}

X_TYPES = {
    Kind.LINEAR: (ElementType.INT8, ElementType.UINT8),
    Kind.ATTENTION: (ElementType.INT8,),
    Kind.LAYERNORM: (ElementType.INT8, ElementType.UINT8, ElementType.INT16),
    Kind.ELEMENTWISE: tuple(ElementType),
    Kind.COPY: tuple(ElementType),
}
"""Types that X may have."""


def _in_tcdm(config: ClusterConfig, first: int, last: int) -> bool:
    return TCDM_BASE <= first and last < TCDM_BASE + config.tcdm.bytes


def check_address(config: ClusterConfig, address: int) -> Status:
    """DESCRIPTOR_ADDRESS, or DONE when a descriptor may lie at `address`."""
    ok = address % DESCRIPTOR_ALIGN == 0 and _in_tcdm(
        config, address, address + DESCRIPTOR.bytes - 1
    )
    return Status.DONE if ok else Status.DESCRIPTOR_ADDRESS


def _joins(f: dict[str, int]) -> bool:
    return bool(f["use_residual"] or f["accumulate"])


def _multiplies(f: dict[str, int]) -> bool:
    """Whether the job has dot products: W, and an inner size."""
    return f["kind"] in (Kind.LINEAR, Kind.ATTENTION)


def _operands(f: dict[str, int]) -> dict[str, tuple[int, int, int, int, int]]:
    """Return {name: (base, row stride, rows, head stride, bytes of a row)} of the operands used."""
    inner, rows, columns = f["inner"], f["rows"], f["columns"]

    def row_bytes(name):
        return columns * ELEMENT_BYTES[ElementType(f[f"{name}_type"])]

    if f["kind"] == Kind.ATTENTION:
        sizes = {"x": (rows, inner), "w": (columns, inner), "r": (inner, columns)}
        sizes |= {"y": (rows, inner), "s": (f["block_rows"] * f["blocks"], columns)}
    else:
        sizes = {"x": (rows, row_bytes("x")), "y": (rows, row_bytes("y"))}
        if _multiplies(f):
            sizes |= {"x": (rows, inner), "w": (columns, inner)}
        if _joins(f):
            sizes["r"] = (rows, row_bytes("r"))
    return {
        name: (f[f"{name}_base"], f[f"{name}_row_stride"], n, f[f"{name}_head_stride"], size)
        for name, (n, size) in sizes.items()
    }


def _tables(f: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return {name: (base, bytes)} of the parameter and table areas used."""
    areas = {}
    if f["kind"] == Kind.ATTENTION:
        areas["param"] = (f["param_base"], HEAD_PARAMETER.bytes * f["heads"])
    elif f["kind"] != Kind.COPY and f["y_type"] != ElementType.INT32:
        entries = {
            ParamMode.COMMON: 1,
            ParamMode.COLUMN: f["heads"] * f["columns"],
            ParamMode.ROW: f["heads"] * f["rows"],
            ParamMode.HEAD: f["heads"],
        }[ParamMode(f["param_mode"])]
        areas["param"] = (f["param_base"], PARAMETER.bytes * entries)
    if f["use_table"]:
        areas["table"] = (f["table_base"], TABLE_BYTES)
    return areas


def _reserved_set(raw: bytes) -> bool:
    words = [int.from_bytes(raw[i : i + 4], "little") for i in range(0, len(raw), 4)]
    return any(word & DESCRIPTOR.reserved_mask(i) for i, word in enumerate(words))


def _is_meaningless(f: dict[str, int]) -> bool:
    """Whether types and modes make no sense together."""
    kind = f["kind"]
    if f["x_type"] not in X_TYPES[kind]:
        return True
    if f["use_table"] and f["y_type"] not in (ElementType.INT8, ElementType.UINT8):
        return True
    if _joins(f) and (kind not in (Kind.LINEAR, Kind.ELEMENTWISE)):
        return True
    if f["use_residual"] and (f["accumulate"] or ElementType.INT32 in (f["r_type"], f["y_type"])):
        return True
    if f["accumulate"] and f["r_type"] != ElementType.INT32:
        return True
    if kind == Kind.ATTENTION:
        return (
            f["y_type"] != ElementType.INT8
            or f["param_mode"] != ParamMode.HEAD
            or f["mask_mode"] not in (MaskMode.NONE, MaskMode.CAUSAL)
            or bool(f["use_table"])
        )
    if kind == Kind.LAYERNORM:
        return f["y_type"] == ElementType.INT32
    if kind == Kind.COPY:
        return f["y_type"] != f["x_type"] or bool(f["use_table"])
    return False


def _sizes(f: dict[str, int]) -> list[int]:
    """Return the sizes that the job uses."""
    sizes = [f[name] for name in ("rows", "columns", "heads")]
    if _multiplies(f):
        sizes.append(f["inner"])
    if f["kind"] == Kind.ATTENTION:
        sizes += [f["block_rows"], f["blocks"]]
    return sizes


def _is_too_large(config: ClusterConfig, f: dict[str, int]) -> bool:
    if max(_sizes(f)) > MAX_SIZE:
        return True
    if f["kind"] == Kind.ATTENTION:
        return (
            f["kv_length"] > f["columns"] or f["block_rows"] > config.engine.tile or f["blocks"] > 2
        )
    return f["kind"] == Kind.LAYERNORM and f["columns"] > MAX_CHANNELS


def check(config: ClusterConfig, raw: bytes) -> Status:
    """Return DONE for a descriptor that may run, else the lowest code of its faults.

    Heads' steps j (BAD_PARAMETER) are not looked at here: they lie in the parameter area.

    Parameters
    ----------
    config : ClusterConfig
        The cluster that would run it: TCDM size and tile size matter.
    raw : bytes
        The 128 bytes of the descriptor.
    """
    f = DESCRIPTOR.unpack(raw)
    status = f["status"]
    if status and (status % OPERAND_ALIGN or not _in_tcdm(config, status, status + 7)):
        return Status.STATUS_ADDRESS
    if f["version"] != DESCRIPTOR_VERSION:
        return Status.BAD_VERSION
    if f["kind"] not in list(Kind):
        return Status.BAD_KIND
    if _reserved_set(raw) or _is_meaningless(f):
        return Status.INVALID
    if 0 in _sizes(f):
        return Status.ZERO_SIZE
    if _is_too_large(config, f):
        return Status.TOO_LARGE
    operands, areas = _operands(f), _tables(f)
    aligned = [value for base, row, _, head, _ in operands.values() for value in (base, row, head)]
    aligned += [base for base, _ in areas.values()]
    if any(value % OPERAND_ALIGN for value in aligned):
        return Status.MISALIGNED
    for base, row, rows, head, size in operands.values():
        last = base + row * (rows - 1) + head * (f["heads"] - 1) + size - 1
        if not _in_tcdm(config, base, last):
            return Status.OUT_OF_RANGE
    for base, size in areas.values():
        if not _in_tcdm(config, base, base + size - 1):
            return Status.OUT_OF_RANGE
    return Status.DONE
