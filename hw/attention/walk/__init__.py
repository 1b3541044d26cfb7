"""Cutting a job into products of row blocks, and these into tile steps."""
