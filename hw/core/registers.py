"""The integer register file."""

from amaranth.hdl import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out


class RegisterFile(wiring.Component):
    """32 registers of 32 bits, two read ports and one write port.

    Reads are transparent: an instruction is read in the very cycle in which an older one is
    written, and must see it. Register 0 must never be written; it reads as 0.

    Members
    -------
    rs1, rs2 : In(5), registers to read
    rs1_data, rs2_data : Out(32), one cycle later
    write : In(1)
    rd : In(5)
    rd_data : In(32)

    Timing
    ------
    Reads take one cycle and include a write of that cycle.
    """

    rs1: In(5)
    rs2: In(5)
    rs1_data: Out(32)
    rs2_data: Out(32)
    write: In(1)
    rd: In(5)
    rd_data: In(32)

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(shape=unsigned(32), depth=32, init=[])
        port = words.write_port()
        first = words.read_port(transparent_for=(port,))
        second = words.read_port(transparent_for=(port,))
        m.d.comb += [
            port.en.eq(self.write),
            port.addr.eq(self.rd),
            port.data.eq(self.rd_data),
            first.addr.eq(self.rs1),
            second.addr.eq(self.rs2),
            self.rs1_data.eq(first.data),
            self.rs2_data.eq(second.data),
        ]
        return m
