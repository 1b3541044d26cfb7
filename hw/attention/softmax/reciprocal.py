"""The reciprocal of a softmax row's mass, as a parameter entry of the epilogue."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import MAX_MASS_BITS, RowEntry, RowMass
from hw.common.numeric import wrap
from hw.config import EngineConfig

RECIPROCAL_BITS = 12
BITS_A_STAGE = 2


class Reciprocal(wiring.Component):
    """Turns a row's mass D into the entry with which requantisation divides by D.

    With nb the number of bits of D (0 counts as 1), r = min(floor(2^(11+nb) / D), 4095); the
    entry is mul = r, shift = 11 + nb - gain, add = (1 << shift) >> 1.

    A restoring divider: D is first shifted left until its top bit is set; the remainder starts at
    2^24, so that the first bit is always 1, and a power of two, whose quotient 2^12 would be too
    large, gives all ones by itself. So does D = 0.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    i : In(stream of RowMass), always taken
    o : Out(stream of RowEntry); it must be taken

    Timing
    ------
    A pipeline: seven cycles from `i` to `o`, one row a cycle, no back-pressure.
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
        mass = self.i.payload.mass
        stage = data.StructLayout(
            {
                "valid": 1,
                "row": self.i.payload.row.shape(),
                "shift": 6,
                "divisor": MAX_MASS_BITS,
                "remainder": MAX_MASS_BITS + 1,
                "quotient": RECIPROCAL_BITS,
            }
        )

        # First stage: the divisor, shifted.
        bits = Signal(range(MAX_MASS_BITS + 1), init=1)
        for n in range(2, MAX_MASS_BITS + 1):
            with m.If(mass[n - 1]):
                m.d.comb += bits.eq(n)
        now = Signal(stage, name="normalised")
        m.d.comb += self.i.ready.eq(1)
        m.d.sync += [
            now.valid.eq(self.i.valid),
            now.row.eq(self.i.payload.row),
            now.shift.eq(RECIPROCAL_BITS - 1 + bits - self.i.payload.gain),
            now.divisor.eq(mass << wrap(MAX_MASS_BITS - bits, bits.shape())),
            now.remainder.eq(1 << MAX_MASS_BITS),
        ]

        # The others: two bits of the quotient each.
        for number in range(RECIPROCAL_BITS // BITS_A_STAGE):
            following = Signal(stage, name=f"divided_{number}")
            m.d.sync += following.eq(now)
            remainder, quotient = now.remainder, now.quotient
            for _ in range(BITS_A_STAGE):
                difference = Signal(signed(MAX_MASS_BITS + 2))
                rest = Signal(MAX_MASS_BITS + 1)
                enough = ~difference[-1]
                m.d.comb += [
                    difference.eq(remainder - now.divisor),
                    rest.eq(Mux(enough, difference, remainder)),
                ]
                remainder, quotient = wrap(rest << 1, rest.shape()), Cat(enough, quotient)
            m.d.sync += [following.remainder.eq(remainder), following.quotient.eq(quotient)]
            now = following

        m.d.comb += [
            self.o.valid.eq(now.valid),
            self.o.payload.row.eq(now.row),
            self.o.payload.entry.mul.eq(now.quotient),
            self.o.payload.entry.shift.eq(now.shift),
            self.o.payload.entry.add.eq((Const(1) << now.shift) >> 1),
        ]
        return m
