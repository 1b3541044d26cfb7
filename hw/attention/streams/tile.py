"""The input tile buffer: one tile is computed with while the next one fills."""

from amaranth.hdl import *
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import TileRow
from hw.config import EngineConfig


class TileBuffer(wiring.Component):
    """Two input tiles of T rows; rows can be read as soon as they are there.

    Row 0 begins a tile, in the buffer that is not the last one filled. Whoever sends rows makes
    sure that a buffer is free. Tiles are read in the order in which they were filled.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    i : In(stream of TileRow), always taken; rows of a tile in order
    filled : Out(range(T + 1)), rows that are there of the tile being read
    enable : In; read
    row : In(range(T)), the row to read, below `filled`
    data : Out(8 * M bits), the row read last
    release : In, one cycle: the tile is not needed any more, the next one is read from now on

    Timing
    ------
    `data` one cycle after `enable`; a row can be read in the cycle after it arrived.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(TileRow(config))),
                "filled": Out(range(config.tile + 1)),
                "enable": In(1),
                "row": In(range(config.tile)),
                "data": Out(8 * config.lanes),
                "release": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = mem = memory.Memory(
            shape=unsigned(8 * self._config.lanes), depth=2 * self._config.tile, init=()
        )
        write = mem.write_port()
        read = mem.read_port()
        filled = [Signal(range(self._config.tile + 1), name=f"filled_{b}") for b in range(2)]
        reading = Signal()
        last = Signal(init=1)
        filling = Signal()
        m.d.comb += [
            self.i.ready.eq(1),
            filling.eq(Mux(self.i.payload.row == 0, ~last, last)),
            write.en.eq(self.i.valid),
            write.addr.eq(Cat(self.i.payload.row, filling)),
            write.data.eq(self.i.payload.data),
            read.en.eq(self.enable),
            read.addr.eq(Cat(self.row, reading)),
            self.data.eq(read.data),
            self.filled.eq(Mux(reading, filled[1], filled[0])),
        ]
        with m.If(self.i.valid):
            m.d.sync += last.eq(filling)
        for number, count in enumerate(filled):
            with m.If(self.release & (reading == number)):
                m.d.sync += count.eq(0)
            with m.Elif(self.i.valid & (filling == number)):
                m.d.sync += count.eq(self.i.payload.row + 1)
        with m.If(self.release):
            m.d.sync += reading.eq(~reading)
        return m
