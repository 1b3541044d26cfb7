"""Several dividers that take turns, for reciprocals in quicker succession."""

from amaranth.hdl import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.softmax.reciprocal import Reciprocal, RowEntry, RowMass
from hw.config import EngineConfig


class Dividers(wiring.Component):
    """A `Reciprocal` with `count` times its throughput; rows leave in the order they came in.

    Parameters
    ----------
    config : EngineConfig
    count : int
        Dividers, a power of two, 2 to 16.

    Members
    -------
    i : In(stream of RowMass)
    o : Out(stream of RowEntry)

    Timing
    ------
    14 cycles from `i` to `o`; `count` rows in 15 cycles.

    Raises
    ------
    ValueError
        When `count` is not allowed.
    """

    def __init__(self, *, config: EngineConfig, count):
        if not isinstance(count, int) or not 2 <= count <= 16 or count & (count - 1):
            raise ValueError(f"count is {count!r}, but must be a power of two from 2 to 16")
        self._config = config
        self._count = count
        super().__init__(
            {
                "i": In(stream.Signature(RowMass(config))),
                "o": Out(stream.Signature(RowEntry(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        giving = Signal(range(self._count))
        taking = Signal(range(self._count))
        for number in range(self._count):
            m.submodules[f"divider_{number}"] = divider = Reciprocal(config=self._config)
            m.d.comb += divider.i.payload.eq(self.i.payload)
            with m.If(giving == number):
                m.d.comb += [
                    divider.i.valid.eq(self.i.valid),
                    self.i.ready.eq(divider.i.ready),
                ]
            with m.If(taking == number):
                m.d.comb += [
                    self.o.valid.eq(divider.o.valid),
                    self.o.payload.eq(divider.o.payload),
                    divider.o.ready.eq(self.o.ready),
                ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += giving.eq(giving + 1)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += taking.eq(taking + 1)
        return m
