"""Compiles C and assembly for the cluster's cores with the `ziglang` wheel."""

from heed.toolchain.compiler import compile
from heed.toolchain.elf import symbols

__all__ = ["compile", "symbols"]
