"""Parameter entries as bytes, and in a kernel's memory."""

from collections.abc import Mapping

import numpy as np

from heed.kernels.memory import Memory, Place
from heed.toolchain.kernels import CoreEntries
from hw.regmap import HEAD_PARAMETER, PARAMETER
from sw_model.ops import Entry

_FIELDS = ("mul", "add", "shift", "rmul", "rsh")


def entry_fields(entry: Entry, index: int) -> dict[str, int]:
    """Return the fields of one entry; of the only one, where it serves all."""
    values = {name: getattr(entry, name) for name in _FIELDS}
    return {name: int(value[index % len(value)]) for name, value in values.items()}


def parameter_bytes(entry: Entry, count: int) -> bytes:
    """Return `count` entries; an entry common to all is repeated."""
    return b"".join(PARAMETER.pack(**entry_fields(entry, i)) for i in range(count))


def head_parameter_bytes(constants: Mapping[str, np.ndarray], heads: int) -> bytes:
    """Return the parameters of an attention node's heads."""
    entry = Entry.read(constants)
    return b"".join(
        HEAD_PARAMETER.pack(
            **entry_fields(entry, head), j=int(constants["j"][head]), gain=int(constants["g"][head])
        )
        for head in range(heads)
    )


def put_entries(memory: Memory, entry: Entry, count: int) -> Place:
    """Place `count` entries in the general form, `struct heed_parameter`."""
    return memory.put_bytes(parameter_bytes(entry, count))


def put_core_entries(memory: Memory, entries: CoreEntries) -> Place:
    """Place entries in core form, `struct heed_core_entry`."""
    return memory.put_bytes(entries.bytes())
