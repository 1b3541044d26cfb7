"""Dot products, accumulators and the epilogue."""
