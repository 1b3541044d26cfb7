"""The reciprocal of a softmax row's mass, as a parameter entry of the epilogue."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import MAX_MASS_BITS, Entry
from hw.common.numeric import wrap
from hw.config import EngineConfig

RECIPROCAL_BITS = 12


class RowMass(data.StructLayout):
    """A row's number, its mass D and the gain of the output: 2^gain."""

    def __init__(self, config: EngineConfig):
        super().__init__({"row": range(config.tile), "mass": MAX_MASS_BITS, "gain": 1})


class RowEntry(data.StructLayout):
    """A row's number and the entry that normalises its outputs."""

    def __init__(self, config: EngineConfig):
        super().__init__({"row": range(config.tile), "entry": Entry})


class Reciprocal(wiring.Component):
    """Turns a row's mass D into the entry with which requantisation divides by D.

    With nb the number of bits of D (0 counts as 1), r = min(floor(2^(11+nb) / D), 4095); the
    entry is mul = r, shift = 11 + nb - gain, add = (1 << shift) >> 1.

    A restoring divider, a quotient bit a cycle: D is first shifted left until its top bit is set;
    the remainder starts at 2^24, so that the first bit is always 1, and a power of two, whose
    quotient 2^12 would be too large, gives all ones by itself. So does D = 0.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    i : In(stream of RowMass)
    o : Out(stream of RowEntry)

    Timing
    ------
    14 cycles from `i` to `o`; the next row is taken in the cycle after `o` was.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(RowMass(config))),
                "o": Out(stream.Signature(RowEntry(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        row = Signal.like(self.i.payload.row)
        gain = Signal()
        divisor = Signal(MAX_MASS_BITS)
        length = Signal(range(MAX_MASS_BITS + 1))  # nb, of the mass in `divisor`
        remainder = Signal(MAX_MASS_BITS + 1)
        quotient = Signal(RECIPROCAL_BITS)
        left = Signal(range(RECIPROCAL_BITS + 1))
        add = Signal(48)

        bits = Signal.like(length)
        m.d.comb += bits.eq(1)
        for n in range(2, MAX_MASS_BITS + 1):
            with m.If(divisor[n - 1]):
                m.d.comb += bits.eq(n)
        shift = Signal(6)
        m.d.comb += [
            shift.eq(RECIPROCAL_BITS - 1 + length - gain),
            add.eq((Const(1) << shift) >> 1),
            self.o.payload.row.eq(row),
            self.o.payload.entry.mul.eq(quotient),
            self.o.payload.entry.shift.eq(shift),
            self.o.payload.entry.add.eq(add),
        ]

        enough = remainder >= divisor
        rest = Mux(enough, remainder - divisor, remainder)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [
                        row.eq(self.i.payload.row),
                        gain.eq(self.i.payload.gain),
                        divisor.eq(self.i.payload.mass),
                    ]
                    m.next = "NORMALISE"
            with m.State("NORMALISE"):
                m.d.sync += [
                    length.eq(bits),
                    divisor.eq(divisor << wrap(MAX_MASS_BITS - bits, bits.shape())),
                    remainder.eq(1 << MAX_MASS_BITS),
                    left.eq(RECIPROCAL_BITS),
                ]
                m.next = "DIVIDE"
            with m.State("DIVIDE"):
                m.d.sync += [
                    quotient.eq(Cat(enough, quotient)),
                    remainder.eq(rest << 1),
                    left.eq(left - 1),
                ]
                with m.If(left == 1):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "IDLE"
        return m
