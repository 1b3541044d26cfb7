"""The registers of the two hardware loops."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.core.types import LoopOp

LOOPS = 2


class Loop(data.Struct):
    """One loop: first instruction, the one after the last, and rounds to go; 0 is inactive."""

    start: 32
    end: 32
    count: 32


class Loops(wiring.Component):
    """Holds the loops, and counts the rounds that end.

    CORE-V, "Hardware Loop". Bits 1:0 of the addresses are always 0.

    Members
    -------
    write : In(1), an instruction of `Unit.LOOP` retires
    op : In(3), bit 0 from the register, the rest a `LoopOp`
    number : In(1), which loop it writes
    pc : In(32), of that instruction
    immediate : In(12), unsigned, in words
    short : In(5), unsigned, in words: the length that `cv.setupi` gives
    operand : In(32), the register
    ends : In(2), the instruction that retires ends a round of that loop; at most one bit
    loops : Out(Loop).array(2)

    Timing
    ------
    Writes and rounds show in the next cycle. `write` and `ends` never come together.
    """

    write: In(1)
    op: In(3)
    number: In(1)
    pc: In(32)
    immediate: In(12)
    short: In(5)
    operand: In(32)
    ends: In(LOOPS)
    loops: Out(Loop).array(LOOPS)

    def elaborate(self, platform):
        m = Module()
        register, kind = self.op[0], self.op[1:]
        setup = kind == LoopOp.SETUP
        words = Mux(setup & ~register, self.short, self.immediate)
        target = Signal(32)
        address = Signal(32)
        count = Signal(32)
        m.d.comb += [
            target.eq(self.pc + Cat(C(0, 2), words)),
            address.eq(Mux(register & ~setup, self.operand & ~C(3, 32), target)),
            count.eq(Mux(register, self.operand, self.immediate)),
        ]
        for number, loop in enumerate(self.loops):
            with m.If(self.write & (self.number == number)):
                with m.If(setup | (kind == LoopOp.START)):
                    m.d.sync += loop.start.eq(Mux(setup, self.pc + 4, address))
                with m.If(setup | (kind == LoopOp.END)):
                    m.d.sync += loop.end.eq(address)
                with m.If(setup | (kind == LoopOp.COUNT)):
                    m.d.sync += loop.count.eq(count)
            with m.Elif(self.ends[number]):
                m.d.sync += loop.count.eq(loop.count - 1)
        return m
