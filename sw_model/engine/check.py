"""What makes a descriptor a good one: the definition that the engine's checker must match."""

from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
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


def _in_tcdm(config: ClusterConfig, first: int, last: int) -> bool:
    return TCDM_BASE <= first and last < TCDM_BASE + config.tcdm.bytes


def check_address(config: ClusterConfig, address: int) -> Status:
    """DESCRIPTOR_ADDRESS, or DONE when a descriptor may lie at `address`."""
    ok = address % DESCRIPTOR_ALIGN == 0 and _in_tcdm(
        config, address, address + DESCRIPTOR.bytes - 1
    )
    return Status.DONE if ok else Status.DESCRIPTOR_ADDRESS


def _operands(f: dict[str, int]) -> dict[str, tuple[int, int, int, int, int]]:
    """Return {name: (base, row stride, rows, head stride, bytes of a row)} of the operands used."""
    inner, rows, columns = f["inner"], f["rows"], f["columns"]
    y_bytes = columns * ELEMENT_BYTES[ElementType(f["y_type"])]
    sizes = {"x": (rows, inner), "w": (columns, inner), "y": (rows, y_bytes)}
    if f["kind"] == Kind.ATTENTION:
        sizes["y"] = (rows, inner)
        sizes["r"] = (inner, columns)
        sizes["s"] = (f["block_rows"] * f["blocks"], columns)
    return {
        name: (f[f"{name}_base"], f[f"{name}_row_stride"], n, f[f"{name}_head_stride"], size)
        for name, (n, size) in sizes.items()
    }


def _tables(f: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return {name: (base, bytes)} of the parameter and table areas used."""
    areas = {}
    if f["kind"] == Kind.ATTENTION:
        areas["param"] = (f["param_base"], HEAD_PARAMETER.bytes * f["heads"])
    elif f["y_type"] != ElementType.INT32:
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
    if f["x_type"] not in (ElementType.INT8, ElementType.UINT8):
        return True
    if f["use_table"] and f["y_type"] in (ElementType.INT16, ElementType.INT32):
        return True
    if f["kind"] == Kind.ATTENTION:
        return (
            f["x_type"] != ElementType.INT8
            or f["y_type"] != ElementType.INT8
            or f["param_mode"] != ParamMode.HEAD
            or f["mask_mode"] not in (MaskMode.NONE, MaskMode.CAUSAL)
            or bool(f["use_table"] or f["use_residual"] or f["accumulate"])
        )
    return bool(f["use_residual"] and f["accumulate"])


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
    attention = f["kind"] == Kind.ATTENTION
    status = f["status"]
    if status and (status % OPERAND_ALIGN or not _in_tcdm(config, status, status + 7)):
        return Status.STATUS_ADDRESS
    if f["version"] != DESCRIPTOR_VERSION:
        return Status.BAD_VERSION
    if f["kind"] not in list(Kind):
        return Status.BAD_KIND
    if _reserved_set(raw):
        return Status.INVALID
    if f["kind"] not in (Kind.LINEAR, Kind.ATTENTION):
        return Status.UNSUPPORTED
    if _is_meaningless(f):
        return Status.INVALID
    if f["use_residual"] or f["accumulate"]:
        return Status.UNSUPPORTED
    sizes = [f[name] for name in ("rows", "columns", "inner", "heads")]
    if attention:
        sizes += [f["block_rows"], f["blocks"]]
    if 0 in sizes:
        return Status.ZERO_SIZE
    if max(sizes) > MAX_SIZE:
        return Status.TOO_LARGE
    if attention and (
        f["kv_length"] > f["columns"] or f["block_rows"] > config.engine.tile or f["blocks"] > 2
    ):
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
