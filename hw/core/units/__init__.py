"""The core's functional units: from operands to a result."""
