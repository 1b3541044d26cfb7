"""Byte lanes of loads and stores."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class StoreAlign(wiring.Component):
    """Puts the data of a request on its byte lanes.

    Members
    -------
    size : In(2), 0 byte, 1 half word, 2 word
    address : In(2), the address's low bits
    value : In(32), what to store, in the low bits
    data : Out(32)
    strobe : Out(4), of a load too: the bytes wanted
    misaligned : Out(1), the address is no multiple of the size

    Timing
    ------
    Combinational.
    """

    size: In(2)
    address: In(2)
    value: In(32)
    data: Out(32)
    strobe: Out(4)
    misaligned: Out(1)

    def elaborate(self, platform):
        m = Module()
        with m.Switch(self.size):
            with m.Case(0):
                m.d.comb += [
                    self.data.eq(self.value[:8].replicate(4)),
                    self.strobe.eq(1 << self.address),
                ]
            with m.Case(1):
                m.d.comb += [
                    self.data.eq(self.value[:16].replicate(2)),
                    self.strobe.eq(Mux(self.address[1], 0b1100, 0b0011)),
                    self.misaligned.eq(self.address[0]),
                ]
            with m.Default():
                m.d.comb += [
                    self.data.eq(self.value),
                    self.strobe.eq(0b1111),
                    self.misaligned.eq(self.address != 0),
                ]
        return m


class LoadAlign(wiring.Component):
    """Takes a load's value from its byte lanes and extends it.

    Members
    -------
    op : In(3), funct3: size in bits 1:0, bit 2 unsigned
    address : In(2), the address's low bits
    data : In(32), the memory's word
    value : Out(32)
    raw : Out(32), the same extended with zeros

    Timing
    ------
    Combinational.
    """

    op: In(3)
    address: In(2)
    data: In(32)
    value: Out(32)
    raw: Out(32)

    def elaborate(self, platform):
        m = Module()
        low = Signal(32)
        m.d.comb += low.eq(self.data >> Cat(C(0, 3), self.address))
        signed = ~self.op[2]
        with m.Switch(self.op[:2]):
            with m.Case(0):
                m.d.comb += [
                    self.value.eq(Cat(low[:8], (signed & low[7]).replicate(24))),
                    self.raw.eq(low[:8]),
                ]
            with m.Case(1):
                m.d.comb += [
                    self.value.eq(Cat(low[:16], (signed & low[15]).replicate(16))),
                    self.raw.eq(low[:16]),
                ]
            with m.Default():
                m.d.comb += [self.value.eq(low), self.raw.eq(low)]
        return m
