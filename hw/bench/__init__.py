"""Gateware that measures the attention engine: its bench top and what disturbs it there."""
