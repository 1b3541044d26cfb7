"""The instruction table: every instruction that a Heed core can have."""

from sw_model.isa import (
    atomics,
    base,
    multiply,
    xcv_alu,
    xcv_bi,
    xcv_bitmanip,
    xcv_complex,
    xcv_dot,
    xcv_hwlp,
    xcv_mac,
    xcv_mem,
    xcv_shuffle,
    xcv_simd,
    xheed,
)

TABLE = (
    *base.ROWS,
    *multiply.ROWS,
    *atomics.ROWS,
    *xcv_alu.ROWS,
    *xcv_bi.ROWS,
    *xcv_bitmanip.ROWS,
    *xcv_hwlp.ROWS,
    *xcv_mac.ROWS,
    *xcv_mem.ROWS,
    *xcv_simd.ROWS,
    *xcv_dot.ROWS,
    *xcv_shuffle.ROWS,
    *xcv_complex.ROWS,
    *xheed.ROWS,
)
"""The group `i` is always there, the others are the switches of `hw.config.CoreConfig`."""
