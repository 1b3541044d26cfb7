"""The parameter buffer: the entries of two tiles."""

from amaranth.hdl import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import BANKS, Entry, EntryWrite, entries_a_cycle
from hw.config import EngineConfig


class EntryBuffer(wiring.Component):
    """Two banks of T parameter entries, written a few and read N at a time.

    With `each` lane n is given entry `index` - index % N + n, otherwise all lanes are given entry
    `index`.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    write : In(EntryWrite)
    enable : In(1); read
    bank : In(1)
    index : In(range(T))
    each : In(1)
    entries : Out(N x Entry)

    Timing
    ------
    `entries` follows one cycle after `enable` and holds. Reads see what was written in earlier
    cycles.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "write": In(EntryWrite(config)),
                "enable": In(1),
                "bank": In(1),
                "index": In(range(config.tile)),
                "each": In(1),
                "entries": Out(data.ArrayLayout(Entry, config.units)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        units = self._config.units
        lane_bits = units.bit_length() - 1
        together = entries_a_cycle(self._config)
        # Of each bank, entry c is kept in memory c % N at c // N.
        m.submodules.memory = mem = memory.Memory(
            shape=data.ArrayLayout(Shape.cast(Entry).width, units),
            depth=BANKS * self._config.groups,
            init=(),
        )
        write = mem.write_port(granularity=1)
        read = mem.read_port()
        m.d.comb += [
            write.addr.eq(Cat(self.write.index[lane_bits:], self.write.bank)),
            read.en.eq(self.enable),
            read.addr.eq(Cat(self.index[lane_bits:], self.bank)),
        ]
        first = self.write.index[:lane_bits]
        for lane in range(units):
            part = lane % together
            chosen = Mux(self.write.single, first == lane, first == lane - part)
            given = Mux(self.write.single, self.write.entries[0], self.write.entries[part])
            m.d.comb += [
                write.en[lane].eq(self.write.valid & chosen),
                write.data[lane].eq(given),
            ]

        each = Signal()
        lane_read = Signal(range(units))
        shared = Signal(Entry)
        with m.If(self.enable):
            m.d.sync += [each.eq(self.each), lane_read.eq(self.index[:lane_bits])]
        m.d.comb += shared.eq(read.data[lane_read])
        for lane in range(units):
            m.d.comb += self.entries[lane].eq(Mux(each, read.data[lane], shared))
        return m
