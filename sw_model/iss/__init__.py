"""Instruction-set simulator: what a Heed core does, one instruction a step."""

from sw_model.iss.hart import Event, Hart
from sw_model.iss.memory import AccessFault, FlatMemory

__all__ = ["AccessFault", "Event", "FlatMemory", "Hart"]
