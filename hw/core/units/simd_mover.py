"""Part of the packed unit: what takes bytes from other places."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.core.units.simd_op import SimdMove, SimdOp

BYTES = 4


class SimdMover(wiring.Component):
    """Extraction, insertion, shuffles and packing.

    Each byte of the result is a byte of rs1, the byte with the same number of rd's old value or
    (packing) of rs2, the byte of rd in its own place, or a copy of a sign.

    Members
    -------
    op : In(SimdOp), a MOVE
    a, b, c : In(32), rs1, rs2 or the immediate, rd's old value
    top : In(2), where the highest byte comes from when the selectors lie in an immediate
    result : Out(32)

    Timing
    ------
    Combinational.
    """

    op: In(SimdOp)
    a: In(32)
    b: In(32)
    c: In(32)
    top: In(2)
    result: Out(32)

    def elaborate(self, platform):
        m = Module()
        op, move = self.op, self.op.variant.move
        other = Signal(32)
        m.d.comb += other.eq(Mux(move == SimdMove.PACK, self.b, self.c))
        chosen = []
        for k in range(BYTES):
            index, from_a, keep = self._sources(m, k)
            byte = Signal(8, name=f"byte_{k}")
            source = Mux(from_a, self.a.word_select(index, 8), other.word_select(index, 8))
            m.d.comb += byte.eq(Mux(keep, self.c.word_select(k, 8), source))
            chosen.append(byte)

        sign = (move == SimdMove.EXTRACT) & Mux(op.half, chosen[1][7], chosen[0][7])
        extracts = (move == SimdMove.EXTRACT) | (move == SimdMove.EXTRACT_UNSIGNED)
        extended = [0, extracts & ~op.half, extracts, extracts]
        m.d.comb += self.result.eq(
            Cat(
                Mux(extend, sign.replicate(8), byte)
                for extend, byte in zip(extended, chosen, strict=True)
            )
        )
        return m

    def _sources(self, m, k):
        """Return which byte goes to byte k, whether it is one of rs1, and whether rd's is kept."""
        op, b, half_k = self.op, self.b, k // 2
        move = op.variant.move
        extracts = (move == SimdMove.EXTRACT) | (move == SimdMove.EXTRACT_UNSIGNED)
        inserts = move == SimdMove.INSERT
        from_two = move == SimdMove.SHUFFLE_TWO
        shuffles = (move == SimdMove.SHUFFLE) | from_two
        packs = move == SimdMove.PACK
        near = self.top if k == BYTES - 1 else b.word_select(k, 2)
        byte_shuffled = Mux(op.scalar, near, b[8 * k : 8 * k + 2])
        half_shuffled = Mux(op.scalar, b[half_k], b[16 * half_k])
        byte = Mux(shuffles, byte_shuffled, Mux(extracts, b[:2], 0))
        half = Mux(shuffles, half_shuffled, Mux(packs, op.scalar, extracts & b[0]))
        of_two = Mux(op.half, b[16 * half_k + 1], b[8 * k + 2])
        packed_from_a = Mux(op.half, half_k, k % 2)
        elsewhere = Mux(op.half, b[0] != half_k, b[:2] != k)
        index = Signal(2, name=f"index_{k}")
        from_a = Signal(name=f"from_a_{k}")
        keep = Signal(name=f"keep_{k}")
        m.d.comb += [
            index.eq(Mux(op.half, Cat(C(k % 2, 1), half), byte)),
            from_a.eq((of_two | ~from_two) & (packed_from_a | ~packs)),
            keep.eq((inserts & elsewhere) | (packs & ~op.half & (op.scalar ^ half_k))),
        ]
        return index, from_a, keep
