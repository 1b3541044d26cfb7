"""The exponential of softmax, on the way of input rows to the tile buffer."""

from amaranth.hdl import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.attention.types import MAX_MASS_BITS, TileRow
from hw.common.numeric import adder_tree, saturate, store, wrap
from hw.config import EngineConfig

EXP2_TABLE = (255, 244, 234, 224, 214, 205, 197, 188, 180, 173, 165, 158, 152, 145, 139, 133)
"""round(255 * 2^(-f/16)) for f = 0..15."""

FAR = 255
"""A distance in sixteenths of an octave whose exponential is 0, as of every one from 144 on."""


def _sixteenths(m, logit, maximum, j):
    """Return the distance below the maximum in sixteenths of an octave, at most FAR."""
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
    sum of the row's E is added to the row's mass D. Without `enable` bytes pass as they are, and
    become 0 where `keep` is not set.

    `maximum` must not be below any logit that is kept.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    i : In(stream of TileRow)
    enable : In, taken with each row of `i`
    maximum : In(signed(8)), taken with each row: the maximum of `i.payload.row`
    keep : In(M bits), taken with each row: lanes that count
    j : In(3), taken with each row: a logit step is 2^-j octave, 1 to 5
    accumulate : In, taken with each row
    o : Out(stream of TileRow), int8 or (exponentials) uint8
    clear : In; sets the mass of all rows to 0. Rows inside are lost to it or not: clear when idle
    mass_row : In(range(T)), the row to read
    mass : Out(24), of that row
    idle : Out; no row is inside or at `o`, and `mass` has all that was accumulated

    Timing
    ------
    Two cycles from `i` to `o`, one row a cycle; `i.ready` depends combinationally on `o.ready`.
    The mass of a row is there two cycles after the row appeared at `o`. `mass_row` to `mass` is
    combinational.
    """

    def __init__(self, *, config: EngineConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(TileRow(config))),
                "enable": In(1),
                "maximum": In(signed(8)),
                "keep": In(config.lanes),
                "j": In(3),
                "accumulate": In(1),
                "o": Out(stream.Signature(TileRow(config))),
                "clear": In(1),
                "mass_row": In(range(config.tile)),
                "mass": Out(MAX_MASS_BITS),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = range(self._config.lanes)

        # First stage: bytes passed through, or distances; a distance of FAR gives 0.
        measured = Signal(TileRow(self._config))
        measured_valid = Signal()
        softmax = Signal()
        counts = Signal()
        proceed = Signal()
        m.d.comb += [
            proceed.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(~measured_valid | proceed),
        ]
        with m.If(self.i.ready):
            m.d.sync += measured_valid.eq(self.i.valid)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                measured.row.eq(self.i.payload.row),
                softmax.eq(self.enable),
                counts.eq(self.enable & self.accumulate),
            ]
            for lane in lanes:
                byte = self.i.payload.data[lane]
                with m.If(self.enable):
                    far = _sixteenths(m, byte.as_signed(), self.maximum, self.j)
                    m.d.sync += measured.data[lane].eq(Mux(self.keep[lane], far, FAR))
                with m.Else():
                    m.d.sync += measured.data[lane].eq(Mux(self.keep[lane], byte, 0))

        # Second stage: exponentials.
        fresh = Signal()  # the row at `o` came in the cycle before and is to be summed up
        m.d.sync += fresh.eq(0)
        with m.If(proceed):
            m.d.sync += self.o.valid.eq(measured_valid)
        with m.If(measured_valid & proceed):
            m.d.sync += [self.o.payload.row.eq(measured.row), fresh.eq(counts)]
            with m.If(softmax):
                for lane in lanes:
                    e = _exponential(m, measured.data[lane])
                    m.d.sync += self.o.payload.data[lane].eq(e)
            with m.Else():
                m.d.sync += self.o.payload.data.eq(measured.data)

        # Third stage: the row's sum; fourth: its mass.
        row_sum = Signal(8 + self._config.lanes.bit_length() - 1)
        row = Signal.like(measured.row)
        summed = Signal()
        m.d.sync += summed.eq(fresh)
        with m.If(fresh):
            m.d.sync += [
                store(row_sum, adder_tree(self.o.payload.data)),
                row.eq(self.o.payload.row),
            ]
        masses = Signal(data.ArrayLayout(MAX_MASS_BITS, self._config.tile))
        m.d.comb += [
            self.mass.eq(masses[self.mass_row]),
            self.idle.eq(~(measured_valid | self.o.valid | fresh | summed)),
        ]
        with m.If(self.clear):
            m.d.sync += masses.eq(0)
        with m.Elif(summed):
            # 65535 keys at most: their mass fits.
            m.d.sync += masses[row].eq(wrap(masses[row] + row_sum, unsigned(MAX_MASS_BITS)))
        return m
