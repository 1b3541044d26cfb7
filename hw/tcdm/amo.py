"""The arithmetic of atomic memory operations."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.tcdm.bus import TcdmOp


def is_amo(op):
    """Return whether `op`, a TcdmOp, reads and writes in one: any of the nine AMO operations."""
    return Value.cast(op)[2:].any()  # AMO_SWAP is 4, and all others lie above


class Amo(wiring.Component):
    """What an atomic memory operation leaves in memory, 32 bits: the A extension of RISC-V.

    Members
    -------
    op : In(TcdmOp); `result` means nothing when it is none of the AMO operations
    old : In(32); what memory holds
    operand : In(32); what the request brings
    result : Out(32)

    Timing
    ------
    Combinational.
    """

    op: In(TcdmOp)
    old: In(32)
    operand: In(32)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        signed = Signal()
        below = Signal()  # `old` is the smaller one
        m.d.comb += [
            signed.eq((self.op == TcdmOp.AMO_MIN) | (self.op == TcdmOp.AMO_MAX)),
            below.eq(_ordered(self.old, signed) < _ordered(self.operand, signed)),
        ]
        with m.Switch(self.op):
            with m.Case(TcdmOp.AMO_ADD):
                m.d.comb += self.result.eq(self.old + self.operand)
            with m.Case(TcdmOp.AMO_XOR):
                m.d.comb += self.result.eq(self.old ^ self.operand)
            with m.Case(TcdmOp.AMO_AND):
                m.d.comb += self.result.eq(self.old & self.operand)
            with m.Case(TcdmOp.AMO_OR):
                m.d.comb += self.result.eq(self.old | self.operand)
            with m.Case(TcdmOp.AMO_MIN, TcdmOp.AMO_MINU):
                m.d.comb += self.result.eq(Mux(below, self.old, self.operand))
            with m.Case(TcdmOp.AMO_MAX, TcdmOp.AMO_MAXU):
                m.d.comb += self.result.eq(Mux(below, self.operand, self.old))
            with m.Default():
                m.d.comb += self.result.eq(self.operand)
        return m


def _ordered(value, signed):
    """Turn the sign around, so that signed numbers are ordered like unsigned ones."""
    return value ^ (signed << 31)
