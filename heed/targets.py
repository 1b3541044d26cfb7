"""What programs run on."""

TARGETS = ("rtl", "iss")
"""The RTL, simulated; the instruction-set simulator."""
