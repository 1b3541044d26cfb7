"""Parameter entries in a kernel's memory."""

from heed.flow.parameters import parameter_bytes
from heed.kernels.memory import Memory, Place
from heed.toolchain.kernels import CoreEntries
from sw_model.ops import Entry


def put_entries(memory: Memory, entry: Entry, count: int) -> Place:
    """Place `count` entries in the general form, `struct heed_parameter`."""
    return memory.put_bytes(parameter_bytes(entry, count))


def put_core_entries(memory: Memory, entries: CoreEntries) -> Place:
    """Place entries in core form, `struct heed_core_entry`."""
    return memory.put_bytes(entries.bytes())
