"""Heed's own instruction."""

INSTRUCTIONS = ()
