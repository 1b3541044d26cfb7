"""Parameter entries as bytes."""

from collections.abc import Mapping

import numpy as np

from heed.errors import HeedError
from hw.regmap import HEAD_PARAMETER, PARAMETER
from sw_model.graph import Node
from sw_model.ops import Entry, check

_FIELDS = ("mul", "add", "shift", "rmul", "rsh")


def _fields(entry: Entry, index: int) -> dict[str, int]:
    values = {name: getattr(entry, name) for name in _FIELDS}
    return {name: int(value[index % len(value)]) for name, value in values.items()}


def parameter_bytes(entry: Entry, count: int) -> bytes:
    """Return `count` entries; an entry common to all is repeated."""
    return b"".join(PARAMETER.pack(**_fields(entry, i)) for i in range(count))


def head_parameter_bytes(constants: Mapping[str, np.ndarray], heads: int) -> bytes:
    """Return the parameters of an attention node's heads."""
    entry = Entry.read(constants)
    return b"".join(
        HEAD_PARAMETER.pack(
            **_fields(entry, head), j=int(constants["j"][head]), gain=int(constants["g"][head])
        )
        for head in range(heads)
    )


def refuse_overflow(node: Node, acc_type: str, residual_type: str) -> None:
    """Refuse entries with a residual whose sum could leave 64 bits.

    Raises
    ------
    HeedError
        Naming the node and the entry.
    """
    entry = Entry.read(node.constants)
    acc, residual = (-check.LIMITS[dtype][0] for dtype in (acc_type, residual_type))
    for index in range(entry.size):
        f = _fields(entry, index)
        most = acc * abs(f["mul"]) + (residual * abs(f["rmul"]) << f["rsh"]) + abs(f["add"])
        if most >= 2**63:
            raise HeedError(
                f"node {node.name}: entry {index} (rmul {f['rmul']}, rsh {f['rsh']}) could leave "
                "64 bits"
            )
