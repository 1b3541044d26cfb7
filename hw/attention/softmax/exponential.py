"""The exponential of softmax, on the way of input rows to the tile buffer."""

from amaranth.hdl import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import MAX_MASS_BITS, RowMass, TileRow
from hw.common.numeric import adder_tree, saturate, store, wrap
from hw.config import EngineConfig

EXP2_TABLE = (255, 244, 234, 224, 214, 205, 197, 188, 180, 173, 165, 158, 152, 145, 139, 133)
"""round(255 * 2^(-f/16)) for f = 0..15."""

ADDED_AT_ONCE = 8
"""Exponentials that a pipeline stage sums up."""


def _sixteenths(m, logit, maximum, j):
    """Return the distance below the maximum in sixteenths of an octave, at most 255.

    The exponential of 255 is 0, as of every distance from 144 on.
    """
    distance = Signal(8)  # not negative: the maximum is the larger one of all that count
    m.d.comb += distance.eq(wrap(maximum - logit, unsigned(8)))
    left = wrap(4 - j, unsigned(2))  # for j of 1 to 4
    return Mux(j == 5, wrap((distance + 1) >> 1, unsigned(8)), saturate(m, distance << left, 8))


def _exponential(m, sixteenths):
    """Return (table[f] + ((1 << e) >> 1)) >> e of e octaves and f sixteenths, 8 bits."""
    table = Array(Const(value, 8) for value in EXP2_TABLE)
    # The bit below the quotient's last is the one that rounds: x + half carries where it is set.
    doubled = Signal(9)
    m.d.comb += doubled.eq(Cat(Const(0, 1), table[sixteenths[:4]]) >> sixteenths[4:])
    return wrap(doubled[1:] + doubled[0], unsigned(8))


class Exponential(wiring.Component):
    """Turns rows of logits into rows of exponentials and sums them up; or passes rows through.

    With `enable`, byte k of a row becomes E = 255 * 2^(-(M - L) / 2^j), rounded to uint8, of the
    logit L and the row's maximum M, and 0 where `keep` is not set. With `accumulate` as well, the
    sum of the row's E is added to the row's mass D, which with `first_sum` starts from 0; with
    `sums_up` too, D is whole and leaves at `mass`. Without `enable` bytes pass as they are, and
    become 0 where `keep` is not set.

    `maximum` must not be below any logit that is kept.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    i : In(stream of TileRow), always taken
    enable, accumulate, first_sum, sums_up : In, taken with each row of `i`
    maximum : In(signed(8)), taken with each row: the maximum of the row's logits
    keep : In(M bits), taken with each row: lanes that count
    j : In(3), taken with each row: a logit step is 2^-j octave, 1 to 5
    gain : In, taken with each row: goes with the mass
    o : Out(stream of TileRow), int8 or (exponentials) uint8; it must be taken
    mass : Out(stream of RowMass); it must be taken

    Timing
    ------
    Two cycles from `i` to `o`, three more to `mass`; one row a cycle, no back-pressure.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(TileRow(config))),
                "enable": In(1),
                "accumulate": In(1),
                "first_sum": In(1),
                "sums_up": In(1),
                "maximum": In(signed(8)),
                "keep": In(config.lanes),
                "j": In(3),
                "gain": In(1),
                "o": Out(stream.Signature(TileRow(config))),
                "mass": Out(stream.Signature(RowMass(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = range(self._config.lanes)

        # What becomes of the row in each stage's registers; nothing does unless it counts.
        fate = data.StructLayout(
            {"counts": 1, "first": 1, "whole": 1, "gain": 1, "row": self.i.payload.row.shape()}
        )
        measured, raised, added, summed = (
            Signal(fate, name=name) for name in ("measured", "raised", "added", "summed")
        )
        m.d.comb += self.i.ready.eq(1)
        m.d.sync += [
            measured.counts.eq(self.i.valid & self.enable & self.accumulate),
            measured.first.eq(self.first_sum),
            measured.whole.eq(self.sums_up),
            measured.gain.eq(self.gain),
            measured.row.eq(self.i.payload.row),
            raised.eq(measured),
            added.eq(raised),
            summed.eq(added),
        ]

        # First stage: bytes passed through, or distances.
        valid = Signal()
        softmax = Signal()
        keep = Signal.like(self.keep)
        values = Signal(data.ArrayLayout(8, self._config.lanes))
        m.d.sync += valid.eq(self.i.valid)
        with m.If(self.i.valid):
            m.d.sync += [softmax.eq(self.enable), keep.eq(self.keep)]
            for lane in lanes:
                byte = self.i.payload.data[lane]
                distance = _sixteenths(m, byte.as_signed(), self.maximum, self.j)
                m.d.sync += values[lane].eq(Mux(self.enable, distance, byte))

        # Second stage: exponentials.
        m.d.sync += self.o.valid.eq(valid)
        with m.If(valid):
            m.d.sync += self.o.payload.row.eq(measured.row)
            for lane in lanes:
                result = Mux(softmax, _exponential(m, values[lane]), values[lane])
                m.d.sync += self.o.payload.data[lane].eq(Mux(keep[lane], result, 0))

        # Third and fourth stage: the row's sum.
        row_sum = Signal(8 + self._config.lanes.bit_length() - 1)
        part_bits = 8 + ADDED_AT_ONCE.bit_length() - 1
        parts = Signal(data.ArrayLayout(part_bits, self._config.lanes // ADDED_AT_ONCE))
        exponentials = list(self.o.payload.data)
        for number, part in enumerate(parts):
            first = number * ADDED_AT_ONCE
            m.d.sync += store(part, adder_tree(exponentials[first : first + ADDED_AT_ONCE]))
        m.d.sync += store(row_sum, adder_tree(parts))

        # Fifth stage: its mass. Transparent: the row before may be the same one, and its mass is
        # written in the cycle in which this one's is read.
        m.submodules.masses = masses = memory.Memory(
            shape=unsigned(MAX_MASS_BITS), depth=self._config.tile, init=()
        )
        write = masses.write_port()
        read = masses.read_port(transparent_for=(write,))
        m.d.comb += [
            read.en.eq(added.counts),
            read.addr.eq(added.row),
            write.en.eq(summed.counts),
            write.addr.eq(summed.row),
            # 65535 keys at most: their mass fits.
            write.data.eq(wrap(Mux(summed.first, 0, read.data) + row_sum, unsigned(MAX_MASS_BITS))),
        ]
        m.d.sync += [
            self.mass.valid.eq(summed.counts & summed.whole),
            self.mass.payload.row.eq(summed.row),
            self.mass.payload.mass.eq(write.data),
            self.mass.payload.gain.eq(summed.gain),
        ]
        return m
