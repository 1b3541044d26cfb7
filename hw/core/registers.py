"""The integer register file."""

from amaranth.hdl import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out


class RegisterFile(wiring.Component):
    """32 registers of 32 bits, three read ports and two write ports.

    Reads are transparent: an instruction is read in the very cycle in which an older one is
    written, and must see it. Register 0 must never be written; it reads as 0. The two ports must
    not write the same register in one cycle.

    Parameters
    ----------
    third : bool
        Whether the third read port is there; without it `rs3_data` is 0.

    Members
    -------
    rs1, rs2, rs3 : In(5), registers to read
    rs1_data, rs2_data, rs3_data : Out(32), one cycle later
    write, late_write : In(1)
    rd, late_rd : In(5)
    rd_data, late_data : In(32)

    Timing
    ------
    Reads take one cycle and include the writes of that cycle.
    """

    def __init__(self, *, third=True):
        self._third = third
        super().__init__(
            {
                "rs1": In(5),
                "rs2": In(5),
                "rs3": In(5),
                "rs1_data": Out(32),
                "rs2_data": Out(32),
                "rs3_data": Out(32),
                "write": In(1),
                "rd": In(5),
                "rd_data": In(32),
                "late_write": In(1),
                "late_rd": In(5),
                "late_data": In(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(shape=unsigned(32), depth=32, init=[])
        ports = (words.write_port(), words.write_port())
        writes = (
            (self.write, self.rd, self.rd_data),
            (self.late_write, self.late_rd, self.late_data),
        )
        for port, (write, rd, value) in zip(ports, writes, strict=True):
            m.d.comb += [port.en.eq(write), port.addr.eq(rd), port.data.eq(value)]
        reads = [(self.rs1, self.rs1_data), (self.rs2, self.rs2_data)]
        if self._third:
            reads.append((self.rs3, self.rs3_data))
        for number, result in reads:
            port = words.read_port(transparent_for=ports)
            m.d.comb += [port.addr.eq(number), result.eq(port.data)]
        return m
