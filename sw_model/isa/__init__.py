"""Instruction-set simulator: what a Heed core does, one instruction a step."""

from sw_model.isa.hart import Event, Hart
from sw_model.isa.memory import AccessFault, FlatMemory

__all__ = ["AccessFault", "Event", "FlatMemory", "Hart"]
