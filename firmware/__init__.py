"""Firmware sources: runtime, kernels and applications."""
