"""The whole core: compiled programs and hazards against the golden model, broken cores caught."""

import pytest
from amaranth.hdl import *
from amaranth.lib.memory import Memory
from amaranth.sim import Simulator

from hw.core import core as core_module
from hw.core.core import Core
from hw.core.fetch import Fetch
from hw.core.late import LateResults
from hw.core.lsu import Lsu
from hw.core.registers import RegisterFile
from hw.verilog import to_verilog
from sw_model.isa import FlatMemory
from verif.lib.assembler import BASE, assemble, compile_c
from verif.lib.core_machine import MEMORY_BYTES, CoreMachine, configuration
from verif.lib.planted import plant

PROGRAM = """
#include <stdint.h>

static int32_t values[30];
static const char text[] = "123456789";

static void sort(int32_t *v, int n) {
    for (int i = 1; i < n; i++) {
        int32_t x = v[i];
        int j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

static uint32_t crc32(const char *s, int n) {
    uint32_t crc = ~0u;
    for (int i = 0; i < n; i++) {
        crc ^= (uint8_t)s[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

struct result {
    uint32_t sorted, crc;
    int64_t quotient, remainder;
} result;

volatile int64_t dividend = -1234567890123456789, divisor = 987654321;

int main(void) {
    uint32_t state = 1;
    for (int i = 0; i < 30; i++) {
        state = state * 1103515245u + 12345u;
        values[i] = (int32_t)state >> (i % 8);
    }
    sort(values, 30);
    result.sorted = 1;
    for (int i = 1; i < 30; i++)
        result.sorted &= values[i - 1] <= values[i];
    result.crc = crc32(text, 9);
    result.quotient = dividend / divisor;
    result.remainder = dividend % divisor;
    return 0;
}
"""


def test_compiled_c():
    image = compile_c(PROGRAM, stack=BASE + MEMORY_BYTES)
    start, end = image.symbols["_start"], image.symbols["_end"]
    machine = CoreMachine(image.data, config=configuration("m"), boot_address=start)
    machine.run(until=end, cycles=60000)

    at = image.symbols["result"]
    assert machine.memory.load(at, 4) == 1, "sorted"
    assert machine.memory.load(at + 4, 4) == 0xCBF43926, "the check value of CRC-32"
    quotient, remainder = (
        int.from_bytes(machine.memory.data[i : i + 8], "little", signed=True)
        for i in (at + 8 - BASE, at + 16 - BASE)
    )
    assert quotient == -(1234567890123456789 // 987654321)
    assert remainder == -(1234567890123456789 % 987654321)


def hwlp(name, loop, rs1="x0", immediate=0):
    """A hardware loop's instruction, which the assembler does not know."""
    kinds = ("starti", "start", "endi", "end", "counti", "count", "setupi", "setup")
    return f".insn i 0x2b, 4, x{2 * kinds.index(name) + loop}, {rs1}, {immediate}\n"


HAZARDS = {
    "loads and products for the registers' second port": """
        lw a0, 0(s0)
        mul a1, s0, s1
        lw a2, 4(s0)
        lw a3, 8(s0)
        mul a4, s1, s1
        mulhu a5, s0, s0
        lw a6, 12(s0)
        lw a7, 16(s0)
        lw t3, 20(s0)
        mul t4, s0, s1
        mul t5, s1, s0
    """,
    "late results and their users": """
        lw a0, 0(s0)
        add a1, a0, a0
        lw a0, 4(s0)
        addi a2, x0, 3
        add a1, a1, a0
        mul a3, a1, a2
        sw a3, 8(s0)
        mul a4, a3, a3
        mul a5, a4, a3
        add a5, a5, a4
    """,
    "two writers of a register": """
        lw a0, 0(s0)
        li a0, 5
        mul a1, a0, a0
        lw a1, 4(s0)
        add a2, a1, a0
        div a3, a2, a0
        li a3, 6
        lw a4, 0(s0)
        mul a4, a0, a0
        lw a5, 8(s0)
        cv.lw a5, (s0), 4
        sw a5, 8(s0)
        addi s0, s0, -4
    """,
    "a division that others pass": """
        li a0, 1000000007
        li a1, 10
        div a2, a0, a1
        lw a3, 0(s0)
        add a4, a3, a3
        mul a5, a4, a4
        sw a5, 4(s0)
        rem a6, a2, a1
        divu a7, a6, x0
        mul t3, a7, a7
        lw t4, 4(s0)
        add a2, a2, t4
    """,
    "base and value": """
        cv.lw a0, (s0), 4
        cv.lw s0, (s0), 4
        li s0, 0x10000000
        cv.sw s0, (s0), 8
        cv.sh a0, (s0), -8
        cv.lbu a1, (s0), s1
        cv.sb a1, (s0), s1
        cv.lw x0, (s0), 4
        cv.lw a2, s1(s0)
    """,
    "nothing is written to x0": """
        lw x0, 0(s0)
        add a0, x0, x0
        mul x0, s0, s0
        add a1, x0, x0
        div x0, s0, s0
        amoadd.w x0, s0, (s0)
        add a2, x0, x0
    """,
    "hardware loops, one in the other": "li t0, 4\n"
    + hwlp("setup", 1, "t0", 9)
    + "addi a1, a1, 1\n"
    + hwlp("setupi", 0, "x4", 3)  # three rounds of three instructions
    + """
        lw a2, 0(s0)
        add a3, a3, a2
        addi a4, a4, 1
        addi a5, a5, 1
        mul a6, a5, a5
        add a7, a7, a6
        addi t1, t1, 1
    """,
    "a hardware loop of a single instruction": hwlp("counti", 0, immediate=0)
    + hwlp("starti", 0, immediate=3)
    + hwlp("endi", 0, immediate=3)
    + hwlp("counti", 0, immediate=5)
    + "addi a0, a0, 1\naddi a1, a1, 1\ncsrr a2, 0xCC2\n",
    "a jump out of a hardware loop": hwlp("setupi", 0, "x5", 6)
    + """
        addi a0, a0, 1
        slti a1, a0, 3
        beqz a1, out
        addi a2, a2, 1
        addi a3, a3, 1
    out:
        csrr a4, 0xCC2
        csrr a5, 0xCC0
        csrr a6, 0xCC1
    """,
    "atomics": """
        li a0, 5
        amoadd.w a1, a0, (s0)
        amoadd.w a2, a1, (s0)
        lr.w a3, (s0)
        addi a3, a3, 1
        sc.w a4, a3, (s0)
        sc.w a5, a3, (s0)
        lr.w a6, (s2)
        sw a0, 0(s2)
        sc.w a7, a0, (s2)
        amomaxu.w t0, s0, (s2)
        amomin.w t1, s0, (s2)
        lw t3, 0(s2)
    """,
    "accesses of every kind in order": """
        sw s0, 0(s0)
        sb s1, 1(s0)
        lhu a0, 0(s0)
        sw a0, 0(s2)
        lb a1, 1(s2)
        sh a1, 6(s0)
        lw a2, 4(s0)
        lw a3, 0(s2)
        fence
        lw a4, 0(s0)
    """,
    "loads from two memories in turn": """
        lw a0, 0(s0)
        lw a1, 4(s0)
        lw a2, 0(s2)
        lw a3, 8(s0)
        lw a4, 0(s2)
        lw a5, 12(s0)
        lw a6, 0(s0)
        lbu a7, 1(s2)
    """,
}

SETUP = """
    li s0, 0x10000000
    li s1, 4
    la s2, word
"""
END = "\nend: j end\n.balign 4\nword: .word 1234\n"


TRAP = """
    la t0, handler
    csrw mtvec, t0
    li a0, 0x40000000
    li a3, 5
    cv.lw a1, (a0), 4
    mv a2, a0
    cv.sw a1, (a0), 4
    mv a2, a0
    j behind
    .balign 4
handler:
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    mret
behind:
"""


def run_everything(stalls, seed=0):
    """All hazards, one after the other, in one program."""
    image = assemble("".join(SETUP + text for text in (*HAZARDS.values(), TRAP)) + END)
    machine = CoreMachine(image.data, data=bytes(range(1, 65)), stalls=stalls, seed=seed)
    machine.run(until=image.symbols["end"], cycles=4000)


@pytest.mark.parametrize("stalls", [0.0, 0.3, 0.7])
def test_hazards(stalls):
    run_everything(stalls)


def test_a_busy_bank_does_not_stop_what_does_not_need_it():
    """Two refused requests wait while independent instructions go on."""
    image = assemble(SETUP + "lw a0, 0(s0)\nlw a1, 4(s0)\n" + "addi a2, a2, 1\n" * 8 + END)
    core = Core(config=configuration("m"))
    memory, bus = FlatMemory(BASE, image.padded(256)), []

    async def bench(ctx):
        ctx.set(core.boot_address, BASE)
        ctx.set(core.start, 1)
        ctx.set(core.fetch.req.ready, 1)
        for _ in range(40):
            bus.append((ctx.get(core.tcdm.req.valid), ctx.get(core.monitor.pc)))
            fetched = ctx.get(core.fetch.req.valid) and ctx.get(core.fetch.req.payload)
            await ctx.tick()
            ctx.set(core.fetch.rsp.valid, bool(fetched))
            ctx.set(core.fetch.rsp.data, memory.fetch(fetched) if fetched else 0)

    simulator = Simulator(core)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert bus[-1][0], "the first request still waits"
    assert bus[-1][1] >= image.symbols["end"], "the rest of the program has run"


class StaleRegisters(RegisterFile):
    """A read does not see the write of its cycle: the first user of a load gets the old value."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = Memory(shape=32, depth=32, init=[])
        writes = (
            Cat(self.write, self.rd, self.rd_data),
            Cat(self.late_write, self.late_rd, self.late_data),
        )
        for write in writes:
            port = words.write_port()
            m.d.comb += Cat(port.en, port.addr, port.data).eq(write)
        for number, data in ((self.rs1, self.rs1_data), (self.rs2, self.rs2_data)):
            port = words.read_port()
            m.d.comb += [port.addr.eq(number), data.eq(port.data)]
        return m


BUGS = {
    # name: (owner, function, right, wrong)
    "a missed bit of the scoreboard": (
        LateResults,
        "elaborate",
        "(starts | self.quotient | self.load)",
        "(starts | self.quotient)",
    ),
    "a product that overtakes a load": (
        LateResults,
        "elaborate",
        "with m.If(self.loaded.valid):",
        "with m.If(self.loaded.valid & ~waits):",
    ),
    "forwarding to the second operand": (
        Core,
        "elaborate",
        "(registers.rd == source)",
        "(registers.rd == source) & (source is not rs2)",
    ),
    "a hardware loop that ends one early": (
        Fetch,
        "_follow_loops",
        "(count != 1)",
        "(count > 2)",
    ),
    "a round that is not counted": (Core, "elaborate", "Mux(x_retires & ~redirect.valid", "Mux(0"),
    "a trap that commits": (
        Core,
        "elaborate",
        "x_retires & writes & (destination != 0)",
        "(x_retires | x_traps) & writes & (destination != 0)",
    ),
    "a base that is written in spite of the value": (
        Core,
        "elaborate",
        "(unit(Unit.STORE) | (rd != rs1))",
        "1",
    ),
    "the third request lost": (
        Lsu,
        "elaborate",
        "self.ready.eq(waits != QUEUE)",
        "self.ready.eq(1)",
    ),
    "an access before those that wait": (Lsu, "elaborate", "& (waits == 0) & ~answering", ""),
}


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_caught(bug, monkeypatch):
    plant(monkeypatch, *BUGS[bug])
    with pytest.raises(AssertionError):
        for stalls in (0.7, 0.3):
            run_everything(stalls)


def test_stale_registers_are_caught(monkeypatch):
    monkeypatch.setattr(core_module, "RegisterFile", StaleRegisters)
    with pytest.raises(AssertionError):
        for stalls in (0.7, 0.3):
            run_everything(stalls)


@pytest.mark.parametrize(("groups", "rvfi"), [((), True), (("a", "xcv_mem"), False)], ids=str)
def test_converts_to_verilog(groups, rvfi):
    text = to_verilog(Core(config=configuration(*groups), rvfi=rvfi), name="core")
    assert ("rvfi__valid" in text) == rvfi
