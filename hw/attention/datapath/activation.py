"""The activation tables: any function of one int8 value, N values a cycle."""

from amaranth.hdl import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import BANKS, TABLE_WORDS, TableWrite
from hw.config import EngineConfig


class Activation(wiring.Component):
    """Two tables of 256 bytes with N read ports, written 8 bytes at a time.

    One table can be written while the other one is in use.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    write : In(TableWrite); of the 8 bytes, the lowest has the lowest index
    bank : In(1); the table to look up in
    index : In(N x 8 bits); value + 128 of an int8 value
    enable : In(1); looks all N up
    value : Out(N x 8 bits)

    Timing
    ------
    `value` follows one cycle after `enable` and holds. A word written is seen by look-ups of
    later cycles.
    """

    def __init__(self, *, config: EngineConfig):
        self._units = config.units
        super().__init__(
            {
                "write": In(TableWrite()),
                "bank": In(1),
                "index": In(data.ArrayLayout(8, config.units)),
                "enable": In(1),
                "value": Out(data.ArrayLayout(8, config.units)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # One write port and N read ports: synthesis makes a copy for each lane.
        depth = BANKS * TABLE_WORDS
        m.submodules.table = table = memory.Memory(shape=64, depth=depth, init=())
        write = table.write_port()
        m.d.comb += [
            write.en.eq(self.write.valid),
            write.addr.eq(Cat(self.write.addr, self.write.bank)),
            write.data.eq(self.write.data),
        ]
        byte = Signal(data.ArrayLayout(3, self._units))
        for lane in range(self._units):
            read = table.read_port()
            m.d.comb += [
                read.en.eq(self.enable),
                read.addr.eq(Cat(self.index[lane][3:], self.bank)),
                self.value[lane].eq(read.data.word_select(byte[lane], 8)),
            ]
            with m.If(self.enable):
                m.d.sync += byte[lane].eq(self.index[lane][:3])
        return m
