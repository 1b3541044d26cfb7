"""Verification: test benches and the library that they share."""
