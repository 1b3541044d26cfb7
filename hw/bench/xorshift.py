"""A pseudo-random number in every cycle."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

SHIFTS = (13, -17, 5)
"""Marsaglia's triple for 32 bits: every state but 0 comes once in a period."""


class XorShift(wiring.Component):
    """A 32-bit xorshift generator.

    Parameters
    ----------
    number : int
        Generators of different numbers, 0 to 255, start in different states.

    Members
    -------
    value : Out(32); never 0

    Timing
    ------
    A new value in every cycle, from a register.
    """

    def __init__(self, *, number):
        super().__init__({"value": Out(32, init=0x9E3779B9 * (number + 1) % (1 << 32))})

    def elaborate(self, platform):
        m = Module()
        mixed = self.value
        for step, shift in enumerate(SHIFTS):
            following = Signal(32, name=f"mixed_{step}")
            m.d.comb += following.eq(mixed ^ (mixed << shift if shift > 0 else mixed >> -shift))
            mixed = following
        m.d.sync += self.value.eq(mixed)
        return m
