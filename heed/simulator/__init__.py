"""The native simulator: builds a cluster's Verilated RTL once, and runs programs on it."""

from heed.simulator.elf import Program, read_elf
from heed.simulator.result import RunResult
from heed.simulator.simulator import Simulator

__all__ = ["Program", "RunResult", "Simulator", "read_elf"]
