"""Decoder and execute stage together: every instruction against the golden model."""

import random

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from hw.config import CoreConfig
from hw.core.decode import Decoder
from hw.core.execute import Execute
from hw.core.instructions import instructions
from hw.core.types import Unit
from hw.verilog import to_verilog
from sw_model.isa import FlatMemory, Hart, compute

CORE = CoreConfig()
ROWS = instructions(CORE)
PC = 0x80000100
MASK = 0xFFFFFFFF
CORNERS = (0, 1, 0x7FFFFFFF, 0x80000000, MASK, 0x80008000, 0x7F807F80)
AT_ONCE = (Unit.ALU, Unit.XALU, Unit.BIT, Unit.SIMD, Unit.DOT)
LATER = {Unit.MULTIPLY: "product", Unit.REQUANTISE: "requantised"}


class Stage(wiring.Component):
    """A decoder in front of the data path."""

    insn: In(32)

    def __init__(self):
        super().__init__()
        self.execute = Execute(core=CORE)

    def elaborate(self, platform):
        m = Module()
        m.submodules.decoder = decoder = Decoder(ROWS)
        m.submodules.execute = execute = self.execute
        m.d.comb += [
            decoder.insn.eq(self.insn),
            execute.control.eq(decoder.control),
            execute.immediate.eq(decoder.immediate),
            execute.low.eq(self.insn[20:25]),
            execute.high.eq(self.insn[25:30]),
            execute.multiply.eq(decoder.control.unit == Unit.MULTIPLY),
            execute.requantise.eq(decoder.control.unit == Unit.REQUANTISE),
        ]
        return m


def run(bench):
    stage = Stage()
    simulator = Simulator(stage)
    simulator.add_clock(1e-6)

    async def wrapped(ctx):
        ctx.set(stage.execute.pc, PC)
        await bench(ctx, stage, stage.execute)

    simulator.add_testbench(wrapped)
    simulator.run()


def words(row, rng, count):
    """Words of one instruction with other fields at random, and operands."""
    for _ in range(count):
        operands = [rng.choice((rng.choice(CORNERS), rng.getrandbits(32))) for _ in range(3)]
        yield row.match | rng.getrandbits(32) & ~row.mask & MASK, operands


def set_operands(ctx, execute, operands):
    for port, value in zip((execute.rs1, execute.rs2, execute.rs3), operands, strict=True):
        ctx.set(port, value)


def test_results():
    rng = random.Random(9)

    async def bench(ctx, stage, execute):
        for row in ROWS:
            if row.name == "auipc" or row.unit not in (*AT_ONCE, *LATER):
                continue
            for word, operands in words(row, rng, 12):
                ctx.set(stage.insn, word)
                set_operands(ctx, execute, operands)
                result = ctx.get(execute.result)
                assert not ctx.get(execute.jumps), row.name
                if row.unit in LATER:
                    await ctx.tick()
                    result = ctx.get(getattr(execute, LATER[row.unit]))
                expected = compute(word, *operands)
                assert result == expected, (row.name, hex(word), [hex(x) for x in operands])

    run(bench)


def test_jumps_and_branches():
    rng = random.Random(11)
    taken = 0

    async def bench(ctx, stage, execute):
        nonlocal taken
        for row in ROWS:
            if row.unit not in (Unit.BRANCH, Unit.JUMP) and row.name != "auipc":
                continue
            for word, (rs1, rs2, _) in words(row, rng, 40):
                rs2 = rs1 if rng.random() < 0.3 else rs2
                if row.name.startswith("cv.b") and rng.random() < 0.5:
                    rs1 = ((word >> 20 & 31 ^ 16) - 16) & MASK
                ctx.set(stage.insn, word)
                set_operands(ctx, execute, (rs1, rs2, 0))
                hart = Hart(FlatMemory(PC, word.to_bytes(4, "little")), PC)
                fields = [word >> at & 31 for at in (15, 20)]
                for number, value in zip(fields, (rs1, rs2), strict=True):
                    hart.x[number] = value if number else 0
                # One register cannot have two values, and x0 has none.
                reads = (row.format.reads_rs1, row.format.reads_rs2)
                if any(r and not n for r, n in zip(reads, fields, strict=True)):
                    continue
                if all(reads) and fields[0] == fields[1]:
                    continue
                if row.format.reads_rs1:
                    hart.x[fields[0]] = rs1
                record = hart.step()
                jumps = ctx.get(execute.jumps)
                if jumps and ctx.get(execute.target) & 2:
                    assert record.trap, hex(word)
                    continue
                assert not record.trap, hex(word)
                if jumps:
                    assert ctx.get(execute.target) == record.next_pc, hex(word)
                    taken += 1
                else:
                    assert record.next_pc == PC + 4, hex(word)
                if record.rd_addr:
                    assert ctx.get(execute.result) == record.rd_wdata, hex(word)

    run(bench)
    assert taken > 100


def test_addresses():
    rng = random.Random(10)

    async def bench(ctx, stage, execute):
        for row in ROWS:
            if row.unit not in (Unit.LOAD, Unit.STORE, Unit.ATOMIC):
                continue
            for word, (rs1, rs2, rs3) in words(row, rng, 10):
                ctx.set(stage.insn, word)
                set_operands(ctx, execute, (rs1, rs2, rs3))
                immediate = (word >> 20 ^ 0x800) - 0x800
                if row.unit == Unit.STORE:
                    immediate = immediate & ~31 | word >> 7 & 31
                offsets = {"IMMEDIATE": immediate, "RS2": rs2, "RS3": rs3, "ZERO": 0}
                moved = rs1 + offsets[row.format.offset.name] & MASK
                address = ctx.get(execute.address)
                assert address == (rs1 if row.format.post else moved), row.name
                if row.format.post:
                    assert ctx.get(execute.result) == moved, row.name

    run(bench)


def test_converts_to_verilog():
    for core in (CORE, CoreConfig.of(), CoreConfig.of("xcv_mac"), CoreConfig.of("m", "xcv_simd")):
        assert "module execute" in to_verilog(Execute(core=core), name="execute")
