"""The registers of the hardware loops against a model."""

import random

from amaranth.sim import Simulator

from hw.core.loops import Loops
from hw.core.types import LoopOp
from hw.verilog import to_verilog

MASK = 0xFFFFFFFF


def test_random_writes_and_rounds():
    dut = Loops()
    rng = random.Random(4)

    async def bench(ctx):
        model = [[0, 0, 0], [0, 0, 0]]
        for _ in range(2000):
            op, register, number = rng.choice(list(LoopOp)), rng.random() < 0.5, rng.randrange(2)
            pc, immediate = 4 * rng.getrandbits(30), rng.getrandbits(12)
            short, operand = rng.getrandbits(5), rng.getrandbits(32)
            write = rng.random() < 0.5
            ends = 0 if write else rng.choice((0, 1, 2))
            ctx.set(dut.write, write)
            ctx.set(dut.op, op << 1 | register)
            ctx.set(dut.number, number)
            ctx.set(dut.pc, pc)
            ctx.set(dut.immediate, immediate)
            ctx.set(dut.short, short)
            ctx.set(dut.operand, operand)
            ctx.set(dut.ends, ends)
            if write:
                loop = model[number]
                address = operand & ~3 if register else (pc + 4 * immediate) & MASK
                if op == LoopOp.START:
                    loop[0] = address
                elif op == LoopOp.END:
                    loop[1] = address
                elif op == LoopOp.COUNT:
                    loop[2] = operand if register else immediate
                else:
                    loop[0] = (pc + 4) & MASK
                    loop[1] = (pc + 4 * (immediate if register else short)) & MASK
                    loop[2] = operand if register else immediate
            for index in range(2):
                if ends >> index & 1:
                    model[index][2] = (model[index][2] - 1) & MASK
            await ctx.tick()
            for loop, expected in zip(dut.loops, model, strict=True):
                assert [ctx.get(f) for f in (loop.start, loop.end, loop.count)] == expected

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_converts_to_verilog():
    assert "module loops" in to_verilog(Loops(), name="loops")
