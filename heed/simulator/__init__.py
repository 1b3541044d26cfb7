"""The native simulator: builds a cluster's Verilated RTL once, and runs programs on it."""

from heed.simulator.elf import Program, read_elf
from heed.simulator.simulator import RunResult, Simulator

__all__ = ["Program", "RunResult", "Simulator", "read_elf"]
