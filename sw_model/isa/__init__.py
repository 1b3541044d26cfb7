"""The instruction set of a Heed core in Python, one instruction a step: the golden model."""

from sw_model.isa.decode import compute, decode, encode
from sw_model.isa.hart import Hart
from sw_model.isa.memory import AccessFault, FlatMemory, MemoryMap
from sw_model.isa.reservations import Reservations
from sw_model.isa.retired import Retired

__all__ = [
    "AccessFault",
    "FlatMemory",
    "Hart",
    "MemoryMap",
    "Reservations",
    "Retired",
    "compute",
    "decode",
    "encode",
]
