"""The attention engine, executed in numpy: descriptors in, bytes out."""

from sw_model.engine.check import check, check_address
from sw_model.engine.model import EngineModel, JobResult

__all__ = ["EngineModel", "JobResult", "check", "check_address"]
