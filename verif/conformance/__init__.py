"""Directed programs for every instruction, with the signature each must leave in memory."""

from verif.conformance.program import Program, Wrong, compare
from verif.conformance.suite import programs

__all__ = ["Program", "Wrong", "compare", "programs"]
