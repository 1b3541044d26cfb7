"""Deployment flow: an integer graph becomes firmware.

One file a stage: `layout` (how tensors lie in memory), `lower`, `attention` and `cores` (nodes
become engine jobs and kernel calls), `plan` (addresses, descriptors), `codegen` (C), `deploy` (all
of it, down to the ELF). `host` runs a plan without hardware.
"""

from heed.flow.deploy import Program, deploy

__all__ = ["Program", "deploy"]
