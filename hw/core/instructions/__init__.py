"""The decoder's table: one module a group of instructions."""

from hw.core.instructions import (
    atomics,
    base,
    multiply,
    xcv_alu,
    xcv_bi,
    xcv_bitmanip,
    xcv_hwlp,
    xcv_mac,
    xcv_mem,
    xcv_simd,
    xheed,
)

GROUPS = {
    "m": multiply,
    "a": atomics,
    "xcv_alu": xcv_alu,
    "xcv_bi": xcv_bi,
    "xcv_bitmanip": xcv_bitmanip,
    "xcv_hwlp": xcv_hwlp,
    "xcv_mac": xcv_mac,
    "xcv_mem": xcv_mem,
    "xcv_simd": xcv_simd,
    "xheed": xheed,
}
"""Modules of the extensions in `hw.config.CORE_GROUPS`."""


def instructions(core):
    """Rows of every instruction that a core of that `CoreConfig` has."""
    rows = list(base.INSTRUCTIONS)
    for group in core.groups:
        rows += GROUPS[group].INSTRUCTIONS
    return tuple(rows)
