"""The firmware's kernels from Python: operands and jobs, and what runs them."""

from heed.kernels.memory import Job, Memory, Place, check
from heed.kernels.targets import Cluster, KernelRun, compute, run_on_host

__all__ = ["Cluster", "Job", "KernelRun", "Memory", "Place", "check", "compute", "run_on_host"]
