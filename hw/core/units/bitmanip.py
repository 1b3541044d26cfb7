"""The unit of XCVbitmanip: fields of bits, rotation, reversal, counts."""

from amaranth.hdl import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from hw.common.numeric import adder_tree


class BitKind(enum.Enum, shape=3):
    """What the unit's result is. COUNT is that of ones, FIND is a position."""

    EXTRACT = 0
    INSERT = 1
    CLEAR = 2
    SET = 3
    ROTATE = 4
    REVERSE = 5
    COUNT = 6
    FIND = 7


class BitFind(enum.Enum, shape=2):
    """What FIND looks for: the first one, the last one, the last bit that is like the sign."""

    FIRST = 0
    LAST = 1
    SIGN = 2


class BitOp(data.Struct):
    """An operation of the unit.

    With `register` the field's bounds are in rs2. `unsigned` is for EXTRACT, `find` for FIND.
    """

    kind: BitKind
    register: 1
    unsigned: 1
    find: BitFind


class Bitmanip(wiring.Component):
    """Instructions of XCVbitmanip.

    A field begins at a position and ends that many bits higher as a second number says, at bit 31
    at the latest. One rotator serves fields, rotation and reversal. Manual: CV32E40P, "Bit
    Manipulation operations"; the groups of a reversal go by the two lowest bits of Is3.

    Members
    -------
    op : In(8), a `BitOp`
    a, b, c : In(32), rs1, rs2 and the old value of rd
    low, high : In(5), bits 24:20 and 29:25 of the instruction
    result : Out(32)

    Timing
    ------
    Combinational.
    """

    op: In(8)
    a: In(32)
    b: In(32)
    c: In(32)
    low: In(5)
    high: In(5)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        op = data.View(BitOp, self.op[: BitOp.as_shape().size])
        position = Signal(5)
        extent = Signal(5)
        end = Signal(5)
        last = Signal(6)
        m.d.comb += [
            position.eq(Mux(op.register, self.b[:5], self.low)),
            extent.eq(Mux(op.register, self.b[5:10], self.high)),
            last.eq(position + extent),
            end.eq(last[:5] | last[5].replicate(5)),
        ]
        # The field where it lies, and where EXTRACT puts it.
        field = Signal(32)
        lowest = Signal(32)
        sign = Signal()
        ones = C(0xFFFFFFFF, 32)
        m.d.comb += [
            field.eq((ones << position) & (ones >> (~end)[:5])),  # ~end is 31 - end
            lowest.eq((ones >> (~extent)[:5]) & (ones >> position)),
            sign.eq(~op.unsigned & self.a.bit_select(end, 1)),
        ]

        moved = self._move(m, op, position)
        with m.Switch(op.kind):
            with m.Case(BitKind.EXTRACT):
                m.d.comb += self.result.eq((moved & lowest) | (sign.replicate(32) & ~lowest))
            with m.Case(BitKind.ROTATE):
                m.d.comb += self.result.eq(moved)
            with m.Case(BitKind.INSERT):
                m.d.comb += self.result.eq((moved & field) | (self.c & ~field))
            with m.Case(BitKind.CLEAR):
                m.d.comb += self.result.eq(self.a & ~field)
            with m.Case(BitKind.SET):
                m.d.comb += self.result.eq(self.a | field)
            with m.Case(BitKind.REVERSE):
                m.d.comb += self.result.eq(self._groups(moved))
            with m.Case(BitKind.COUNT):
                m.d.comb += self.result.eq(adder_tree(self.a))
            with m.Case(BitKind.FIND):
                m.d.comb += self.result.eq(self._find(m, op.find))
        return m

    def _move(self, m, op, position):
        """Return rs1 rotated to the right, or to the left for INSERT; mirrored for REVERSE."""
        word = Signal(32)
        amount = Signal(5)
        around = Signal(32)
        moved = Signal(32)
        m.d.comb += [
            word.eq(self.a),
            amount.eq(position),
            around.eq(self.a),
            moved.eq(Cat(word, around) >> amount),
        ]
        with m.Switch(op.kind):
            with m.Case(BitKind.INSERT):
                m.d.comb += amount.eq(-position)
            with m.Case(BitKind.REVERSE):
                m.d.comb += [word.eq(self.a[::-1]), around.eq(0)]
        return moved

    def _groups(self, mirrored):
        """Return a mirrored word with the bits of each group in their order again."""
        pairs = Cat(Cat(mirrored[n + 1], mirrored[n]) for n in range(0, 32, 2))
        triples = Cat(mirrored[n : n + 3][::-1] for n in range(0, 30, 3))
        group = self.high[:2]
        return Mux(group == 1, pairs, Mux(group == 2, triples, mirrored))

    def _find(self, m, find):
        """Return the position that FIND asks for; 32 when there is no one, 0 for the sign of 0."""
        # SIGN: the highest bit that differs from the next higher one ends the search.
        word = Signal(32)
        place = Signal(5)
        found = Signal(6)
        with m.Switch(find):
            with m.Case(BitFind.FIRST):
                m.d.comb += word.eq(self.a)
            with m.Case(BitFind.LAST):
                m.d.comb += word.eq(self.a[::-1])
            with m.Case(BitFind.SIGN):
                m.d.comb += word.eq(Cat((self.a[:31] ^ self.a[1:])[::-1], 1))
        m.d.comb += place.eq(_trailing_zeros(m, word))
        with m.If(self.a == 0):
            m.d.comb += found.eq(Mux(find == BitFind.SIGN, 0, 32))
        with m.Elif(find == BitFind.LAST):
            m.d.comb += found.eq(~place)
        with m.Else():
            m.d.comb += found.eq(place)
        return found


def _trailing_zeros(m, word):
    """Return the position of the lowest one of `word`, any when there is none."""
    bits = []
    while len(word) > 1:
        half = len(word) // 2
        upper = Signal(name=f"upper_{half}")
        kept = Signal(half, name=f"kept_{half}")
        m.d.comb += [
            upper.eq(word[:half] == 0),
            kept.eq(Mux(upper, word[half:], word[:half])),
        ]
        bits.append(upper)
        word = kept
    return Cat(reversed(bits))
