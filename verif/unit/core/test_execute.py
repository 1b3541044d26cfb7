"""The execute stage's data path: every instruction of the table against the model."""

import random

from amaranth.sim import Simulator

from hw.core.decode import INSTRUCTIONS, ImmediateFormat
from hw.core.execute import Execute
from hw.core.types import Unit
from hw.verilog import to_verilog
from sw_model.isa import FlatMemory, Hart
from sw_model.isa.decode import TABLE
from sw_model.isa.trap import Trap

PC = 0x80000100
MASK = 0xFFFFFFFF
CORNERS = (0, 1, 0x7FFFFFFF, 0x80000000, MASK)
EXECUTE = {row.name: row.execute for row in TABLE}


def model(name, rs1, rs2, imm, csr):
    """Return (rd's value or None, next pc) of an instruction, from the model."""
    hart = Hart(FlatMemory(0, b""), PC)
    hart.x[1], hart.x[2] = rs1, rs2
    hart.next_pc = PC + 4
    fields = dict(rd=3, rs1=1, rs2=2, imm=imm - (1 << 32) if imm >> 31 else imm)
    try:
        EXECUTE[name](hart, type("Operands", (), fields))
    except Trap as trap:
        return None, trap.value
    return hart.x[3], hart.next_pc


def immediate(row, rng):
    if row.name in ("slli", "srli", "srai"):
        return rng.randrange(32)
    if row.format.immediate == ImmediateFormat.U:
        return rng.getrandbits(20) << 12
    return rng.choice((rng.getrandbits(11), -rng.randrange(1, 2048) & MASK)) & ~1


def test_results_and_jumps():
    dut = Execute()
    rng = random.Random(9)
    rows = [row for row in INSTRUCTIONS if row.unit not in (Unit.SYSTEM, Unit.LOAD, Unit.STORE)]
    pairs = [(a, b) for a in CORNERS for b in CORNERS]

    async def bench(ctx):
        ctx.set(dut.pc, PC)
        for row in rows:
            few = pairs[::5] if row.unit == Unit.DIVIDE else pairs
            for rs1, rs2 in few + [(rng.getrandbits(32), rng.getrandbits(32)) for _ in range(5)]:
                imm, csr = immediate(row, rng), rng.getrandbits(32)
                ctx.set(dut.control, row.control)
                ctx.set(dut.immediate, imm)
                ctx.set(dut.rs1, rs1)
                ctx.set(dut.rs2, rs2)
                ctx.set(dut.csr, csr)
                if row.unit == Unit.DIVIDE:
                    ctx.set(dut.divide, 1)
                    await ctx.tick()
                    ctx.set(dut.divide, 0)
                    for _ in range(32):
                        assert not ctx.get(dut.divided)
                        await ctx.tick()
                    assert ctx.get(dut.divided)
                result, case = ctx.get(dut.result), (row.name, hex(rs1), hex(rs2), hex(imm))
                if row.unit == Unit.CSR:
                    assert result == csr, case
                    continue
                expected, next_pc = model(row.name, rs1, rs2, imm, csr)
                if row.unit in (Unit.BRANCH, Unit.JUMP):
                    assert ctx.get(dut.jumps) == (next_pc != PC + 4), case
                    assert not ctx.get(dut.jumps) or ctx.get(dut.target) == next_pc, case
                else:
                    assert not ctx.get(dut.jumps), case
                if row.unit != Unit.BRANCH and expected is not None:
                    assert result == expected, case
                await ctx.tick()

    simulate(dut, bench)


def test_accesses():
    dut = Execute()
    rng = random.Random(10)
    rows = [row for row in INSTRUCTIONS if row.unit in (Unit.LOAD, Unit.STORE)]

    async def bench(ctx):
        for row in rows:
            for _ in range(20):
                rs1, rs2, imm = rng.getrandbits(32), rng.getrandbits(32), rng.getrandbits(32)
                size, address = 1 << (row.op & 3), rs1 + imm & MASK
                ctx.set(dut.control, row.control)
                ctx.set(dut.immediate, imm)
                ctx.set(dut.rs1, rs1)
                ctx.set(dut.rs2, rs2)
                assert ctx.get(dut.address) == ctx.get(dut.result) == address
                assert ctx.get(dut.misaligned) == (address % size != 0)
                assert not ctx.get(dut.jumps)
                if address % size:
                    continue
                lane = address % 4
                assert ctx.get(dut.strobe) == (1 << size) - 1 << lane
                data = ctx.get(dut.store_data) >> 8 * lane & (1 << 8 * size) - 1
                if row.unit == Unit.STORE:
                    assert data == rs2 & (1 << 8 * size) - 1
                else:
                    assert ctx.get(dut.store_data) == 0

    simulate(dut, bench)


def simulate(dut, bench):
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_converts_to_verilog():
    assert "module execute" in to_verilog(Execute(), name="execute")
