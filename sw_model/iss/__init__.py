"""The instruction-set simulator: a cluster's cores, memories and devices in C++."""

from sw_model.iss.build import IssError
from sw_model.iss.iss import Iss, Outcome, Retired, Unhandled

__all__ = ["Iss", "IssError", "Outcome", "Retired", "Unhandled"]
