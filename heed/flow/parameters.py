"""What the flow asks of parameter entries."""

from heed.errors import HeedError
from heed.kernels.entries import entry_fields
from sw_model.graph import Node
from sw_model.ops import Entry, check


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
        f = entry_fields(entry, index)
        most = acc * abs(f["mul"]) + (residual * abs(f["rmul"]) << f["rsh"]) + abs(f["add"])
        if most >= 2**63:
            raise HeedError(
                f"node {node.name}: entry {index} (rmul {f['rmul']}, rsh {f['rsh']}) could leave "
                "64 bits"
            )
