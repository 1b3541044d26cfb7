"""The CSR file against the model's, and its rules of traps and interrupts."""

import random

import pytest
from amaranth.sim import Simulator

from hw.config import CoreConfig
from hw.core.csr import Csrs, misa
from hw.verilog import to_verilog
from sw_model.isa import csr as model
from sw_model.isa.loops import Loops
from sw_model.isa.trap import Trap

HART = 5
CORE = CoreConfig()
WRITE, SET, CLEAR = 1, 2, 3
PLAIN = (
    *(model.MSTATUS, model.MIE, model.MTVEC, model.MSCRATCH, model.MEPC, model.MCAUSE),
    *(model.MTVAL, model.MCOUNTINHIBIT),
)


SMALL = CoreConfig.of("m", event_counters=0)
"""Without loops and event counters."""


def simulate(bench, core=CORE):
    dut = Csrs(core=core)

    async def wrapped(ctx):
        ctx.set(dut.hart_id, HART)
        await bench(ctx, dut)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(wrapped)
    simulator.run()


async def access(ctx, dut, address, op=SET, operand=0, writes=False):
    """Perform an access; return (legal, value before)."""
    ctx.set(dut.addr, address)
    ctx.set(dut.op, op)
    ctx.set(dut.operand, operand)
    ctx.set(dut.writes, writes)
    legal, value = ctx.get(dut.legal), ctx.get(dut.value)
    ctx.set(dut.commit, legal)
    await ctx.tick()
    ctx.set(dut.commit, 0)
    return legal, value


def reference_of(core):
    return model.Csrs(HART, core, Loops())


@pytest.mark.parametrize("core", [CORE, SMALL], ids=["all", "small"])
def test_which_registers_exist(core):
    async def bench(ctx, dut):
        reference = reference_of(core)
        for address in range(4096):
            for writes in (False, True):
                ctx.set(dut.addr, address)
                ctx.set(dut.writes, writes)
                try:
                    expected = reference.access(address, writes)
                except Trap:
                    expected = None
                legal, value = ctx.get(dut.legal), ctx.get(dut.value)
                assert legal == (expected is not None), hex(address)
                assert not legal or value == expected, hex(address)

    simulate(bench, core)


def test_fixed_values():
    async def bench(ctx, dut):
        assert misa(CORE) == 0x40001101 and misa(SMALL) == 0x40001100
        assert await access(ctx, dut, model.MISA, WRITE, 0, True) == (1, misa(CORE))
        assert await access(ctx, dut, model.MISA) == (1, misa(CORE))
        assert await access(ctx, dut, model.MHARTID) == (1, HART)
        assert await access(ctx, dut, model.MSTATUS) == (1, 0x1800)

    simulate(bench)


def test_random_accesses():
    async def bench(ctx, dut):
        rng = random.Random(8)
        reference = reference_of(CORE)
        operations = {
            WRITE: lambda old, new: new,
            SET: lambda old, new: old | new,
            CLEAR: lambda old, new: old & ~new,
        }
        for _ in range(1500):
            address, op = rng.choice(PLAIN), rng.choice((WRITE, SET, CLEAR))
            operand = rng.getrandbits(32)
            legal, value = await access(ctx, dut, address, op, operand, True)
            expected = reference.access(address, True)
            assert legal and value == expected, hex(address)
            reference.write(address, operations[op](expected, operand) & 0xFFFFFFFF)

    simulate(bench)


def test_nothing_is_written_without_commit():
    async def bench(ctx, dut):
        await access(ctx, dut, model.MSCRATCH, WRITE, 0x1234, True)
        ctx.set(dut.operand, 0x5678)
        await ctx.tick()
        assert ctx.get(dut.value) == 0x1234
        # A set of nothing does not write.
        assert await access(ctx, dut, model.MSCRATCH, WRITE, 0x5678, False) == (1, 0x1234)
        assert await access(ctx, dut, model.MSCRATCH) == (1, 0x1234)

    simulate(bench)


def test_trap_and_return():
    async def bench(ctx, dut):
        await access(ctx, dut, model.MTVEC, WRITE, 0x80001001, True)
        await access(ctx, dut, model.MSTATUS, WRITE, 0x8, True)
        await access(ctx, dut, model.MIE, WRITE, 0x80, True)
        ctx.set(dut.interrupts.timer, 1)
        await ctx.tick()
        request = dut.trap.request
        ctx.set(dut.trap.valid, 1)
        ctx.set(request, dict(interrupt=1, code=7, pc=0x80000010, value=0))
        assert ctx.get(dut.vector) == 0x80001000 + 4 * 7
        ctx.set(request, dict(interrupt=0, code=7, pc=0x80000010, value=0xDEADBEEF))
        assert ctx.get(dut.vector) == 0x80001000
        await ctx.tick()
        ctx.set(dut.trap.valid, 0)
        assert ctx.get(dut.epc) == 0x80000010
        assert await access(ctx, dut, model.MCAUSE) == (1, 7)
        assert await access(ctx, dut, model.MTVAL) == (1, 0xDEADBEEF)
        assert await access(ctx, dut, model.MSTATUS) == (1, 0x1880)
        ctx.set(dut.leave, 1)
        await ctx.tick()
        ctx.set(dut.leave, 0)
        assert await access(ctx, dut, model.MSTATUS) == (1, 0x1888)

    simulate(bench)


def test_interrupts():
    async def bench(ctx, dut):
        levels = {3: dut.interrupts.software, 7: dut.interrupts.timer, 11: dut.interrupts.external}

        async def apply(mip):
            for code, level in levels.items():
                ctx.set(level, mip >> code & 1)
            await ctx.tick()

        for enabled in (0, 0x8, 0x80, 0x800, 0x88, 0x888):
            await access(ctx, dut, model.MIE, WRITE, enabled, True)
            for master in (0, 8):
                await access(ctx, dut, model.MSTATUS, WRITE, master, True)
                for mip in (0, 0x8, 0x80, 0x800, 0x880, 0x888):
                    await apply(mip)
                    active = mip & enabled
                    assert ctx.get(dut.wake) == bool(active)
                    assert ctx.get(dut.pending) == bool(active and master)
                    if active:
                        first = next(code for code in (11, 3, 7) if active >> code & 1)
                        assert ctx.get(dut.pending_code) == first
                    assert await access(ctx, dut, model.MIP, WRITE, 0, True) == (1, mip)

    simulate(bench)


def test_counters():
    async def bench(ctx, dut):
        ctx.set(dut.counting, 1)
        await access(ctx, dut, model.MCYCLE, WRITE, 0xFFFFFFFE, True)
        await access(ctx, dut, model.MCYCLEH, WRITE, 6, True)
        # The write of the high half took a cycle's increment away.
        assert await access(ctx, dut, model.MCYCLE) == (1, 0xFFFFFFFE)
        await ctx.tick()
        assert await access(ctx, dut, model.CYCLE) == (1, 0)
        assert await access(ctx, dut, model.CYCLEH) == (1, 7)
        ctx.set(dut.counting, 0)
        _, before = await access(ctx, dut, model.MCYCLE)
        await ctx.tick()
        assert await access(ctx, dut, model.MCYCLE) == (1, before)

        await access(ctx, dut, model.MINSTRET, WRITE, 0xFFFFFFFF, True)
        ctx.set(dut.retired, 1)
        await ctx.tick()
        ctx.set(dut.retired, 0)
        assert await access(ctx, dut, model.INSTRET) == (1, 0)
        assert await access(ctx, dut, model.INSTRETH) == (1, 1)

        await access(ctx, dut, model.MCOUNTINHIBIT, WRITE, 5, True)
        ctx.set(dut.retired, 1)
        ctx.set(dut.counting, 1)
        _, cycles = await access(ctx, dut, model.MCYCLE)
        await ctx.tick()
        assert await access(ctx, dut, model.MCYCLE) == (1, cycles)
        assert await access(ctx, dut, model.MINSTRET) == (1, 0)

    simulate(bench)


def test_event_counters():
    async def bench(ctx, dut):
        ctx.set(dut.counting, 1)
        await access(ctx, dut, 0x323, WRITE, 0b0101, True)
        await access(ctx, dut, 0x324, WRITE, 0xFFFFFF02, True)
        assert await access(ctx, dut, 0x324) == (1, 2), "there are eight events"
        for events in (0b0001, 0b0100, 0b0101, 0b0010, 0b1000, 0):
            ctx.set(dut.events, events)
            await ctx.tick()
        assert await access(ctx, dut, 0xB03) == (1, 3), "two events in a cycle count once"
        assert await access(ctx, dut, 0xB04) == (1, 1)
        assert await access(ctx, dut, 0xB05) == (1, 0)
        await access(ctx, dut, model.MCOUNTINHIBIT, WRITE, 1 << 3, True)
        await access(ctx, dut, 0xB04, WRITE, 0xFFFFFFFF, True)
        ctx.set(dut.events, 0b0111)
        await ctx.tick()
        ctx.set(dut.events, 0)
        assert await access(ctx, dut, 0xB03) == (1, 3)
        assert await access(ctx, dut, 0xB84) == (1, 1)
        ctx.set(dut.counting, 0)
        ctx.set(dut.events, 0b0010)
        await ctx.tick()
        assert await access(ctx, dut, 0xB04) == (1, 0)

    simulate(bench)


def test_loops_are_shown_read_only():
    async def bench(ctx, dut):
        for number, loop in enumerate(dut.loops):
            for place, field in enumerate((loop.start, loop.end, loop.count)):
                ctx.set(field, 1000 * number + place)
        for number in range(2):
            for place in range(3):
                address = 0xCC0 + 4 * number + place
                assert await access(ctx, dut, address) == (1, 1000 * number + place)
                assert (await access(ctx, dut, address, WRITE, 0, True))[0] == 0

    simulate(bench)


def test_writers_of_the_instruction_counter_do_not_count():
    async def bench(ctx, dut):
        for address in (model.MINSTRET, model.MINSTRETH, model.MCYCLE, model.MSCRATCH):
            for writes in (False, True):
                ctx.set(dut.addr, address)
                ctx.set(dut.writes, writes)
                its_own = writes and address in (model.MINSTRET, model.MINSTRETH)
                assert ctx.get(dut.counted) == (not its_own)

    simulate(bench)


def test_converts_to_verilog():
    for core in (CORE, SMALL):
        assert "module csrs" in to_verilog(Csrs(core=core), name="csrs")
