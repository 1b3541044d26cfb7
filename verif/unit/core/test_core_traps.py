"""Traps, interrupts, CSRs and sleep of the core: directed programs in assembly."""

import io
import re

import pytest
from amaranth.sim import Simulator

from hw.core.core import Core
from verif.lib.assembler import BASE, assemble
from verif.lib.core_machine import CoreMachine, configuration

HANDLER = """
    la t0, handler
    csrw mtvec, t0
    j test
    .balign 4
handler:            // records cause, epc and value, and goes on at s1
    csrr s2, mcause
    csrr s3, mepc
    csrr s4, mtval
    csrr s5, mstatus
    csrw mepc, s1
    addi s6, s6, 1
    mret
test:
    csrwi mstatus, 8
    la s1, end
"""

END = """
    .balign 4
end:
    j end
"""


def run(text, *, stalls=0.0, seed=0, **options):
    """Run a program to its label `end`; return the machine, its registers and the symbols."""
    image = assemble(text + END)
    observed = options.pop("run", {})
    config = configuration("m", "a", "xcv_mem", "xcv_hwlp")
    machine = CoreMachine(image.data, config=config, stalls=stalls, seed=seed, **options)
    machine.run(until=image.symbols["end"], **observed)
    return machine, machine.hart.x, image.symbols


S2, S3, S4, S5, S6 = 18, 19, 20, 21, 22
NOWHERE = 0x4000_0000

TRAPS = {
    # text, mcause, mtval (None: the address of `here`; a string: the word there)
    "illegal": ("here: .word 0xFFFFFFFF", 2, 0xFFFFFFFF),
    "zero": ("here: .word 0", 2, 0),
    "compressed": ("here: .word 0x00010001", 2, 0x00010001),
    "event load": ("here: .word 0x0025B50B // cv.elw a0, 2(a1)", 2, 0x0025B50B),
    "ecall": ("here: ecall", 11, 0),
    "ebreak": ("here: ebreak", 3, None),
    "load misaligned": ("la a0, data + 2\nhere: lw a1, 0(a0)", 4, "data + 2"),
    "half load misaligned": ("la a0, data\nhere: lhu a1, 3(a0)", 4, "data + 3"),
    "store misaligned": ("la a0, data\nhere: sw a1, 1(a0)", 6, "data + 1"),
    "load fault": (f"li a0, {NOWHERE}\nhere: lw a1, 4(a0)", 5, NOWHERE + 4),
    "store fault": (f"li a0, {NOWHERE}\nhere: sb a1, 3(a0)", 7, NOWHERE + 3),
    "post-increment misaligned": ("la a0, data + 1\nhere: cv.lw a1, (a0), 4", 4, "data + 1"),
    "stored post-increment misaligned": (
        "la a0, data + 1\nhere: cv.sh a1, (a0), 4",
        6,
        "data + 1",
    ),
    "atomic misaligned": ("la a0, data + 2\nhere: amoadd.w a1, a2, (a0)", 6, "data + 2"),
    "load-reserved misaligned": ("la a0, data + 2\nhere: lr.w a1, (a0)", 4, "data + 2"),
    "atomic on a device": ("li a0, 0x10104000\nhere: amoadd.w a1, a2, (a0)", 7, 0x10104000),
    "load-reserved on a device": ("li a0, 0x10104000\nhere: lr.w a1, (a0)", 5, 0x10104000),
    "store-conditional nowhere": (f"li a0, {NOWHERE}\nhere: sc.w a1, a2, (a0)", 7, NOWHERE),
    "write of a loop register": ("here: csrw 0xCC0, a0", 2, 0xCC051073),
    "jump misaligned": ("la a0, data + 2\nhere: jr a0", 0, "data + 2"),
    "misaligned branch": ("here: .word 0x00000163 // beq x0, x0, 2", 0, "here + 2"),
    "read-only CSR": ("here: csrw mhartid, a0", 2, 0xF1451073),
    "no such CSR": ("here: csrr a0, 0x7C0", 2, 0x7C002573),
    "supervisor CSR": ("here: csrr a0, satp", 2, 0x18002573),
    "fetch fault": (f"li a0, {NOWHERE}\njr a0", 1, NOWHERE),
}


@pytest.mark.parametrize("stalls", [0.0, 0.5])
@pytest.mark.parametrize("name", TRAPS)
def test_exceptions(name, stalls):
    text, cause, value = TRAPS[name]
    # What follows the instruction must leave no trace, whatever it is.
    after = """
        li a5, 99
        sw a5, 0(a4)
        csrw mscratch, a5
    """
    text = f"{HANDLER}\n la a4, data\n {text}\n {after}\n j end\n.balign 4\ndata: .word 1, 2"
    machine, x, symbols = run(text, stalls=stalls)
    if isinstance(value, str):
        symbol, _, offset = value.partition(" + ")
        value = symbols[symbol] + int(offset)
    here = symbols.get("here", NOWHERE)
    assert x[S2] == cause
    assert x[S3] == here
    assert x[S4] == (here if value is None else value)
    assert x[S5] == 0x1880
    assert x[S6] == 1, "trapped once"
    assert x[15] == 0, "a younger instruction wrote its register"
    assert machine.memory.load(symbols["data"], 4) == 1, "a younger store was performed"


def test_branch_not_taken_to_a_misaligned_target_goes_on():
    _, x, _ = run(HANDLER + "li a0, 1\n.word 0x00050163 // beq a0, x0, 2\nli a1, 5\nj end")
    assert (x[S6], x[11]) == (0, 5)


def test_a_trapping_instruction_writes_no_register():
    text = HANDLER + f"li a0, {NOWHERE}\nli a1, 7\nlw a1, 0(a0)"
    _, x, _ = run(text)
    assert (x[S2], x[11]) == (5, 7)


def test_a_fault_of_a_late_response_stops_what_follows():
    # A store and a jump wait behind the load whose fault comes many cycles later.
    for seed in range(5):
        text = f"""{HANDLER}
            la a4, data
            li a5, 99
            li a0, {NOWHERE}
        here:
            lw a1, 0(a0)
            sw a5, 0(a4)
            j end
            .balign 4
        data: .word 1
        """
        machine, x, symbols = run(text, stalls=0.9, seed=seed)
        assert (x[S2], x[S3]) == (5, symbols["here"])
        assert machine.memory.load(symbols["data"], 4) == 1


def test_identity():
    text = """
        csrr a0, mhartid
        csrr a1, misa
        csrr a2, mstatus
        csrr a3, mvendorid
        csrr a4, mimpid
        csrr a5, marchid
    """
    _, x, _ = run(text, hart_id=7)
    assert x[10:16] == [7, 0x40001101, 0x1800, 0, 0, 0]


def test_instruction_counter():
    text = """
        csrwi minstret, 10
        nop
        nop
        csrr a0, minstret
        csrr a1, instret
        csrwi mcountinhibit, 4
        csrr a2, minstret
        nop
        csrr a3, minstret
        csrwi mcountinhibit, 0
        csrr a4, minstret
    """
    _, x, _ = run(text)
    assert x[10:15] == [12, 13, 14, 14, 15]


def test_cycle_counter():
    text = "csrr a0, mcycle\nnop\nnop\nnop\nnop\ncsrr a1, cycle\nli a2, 5\ncsrw mcycleh, a2"
    _, x, _ = run(text + "\ncsrr a3, mcycleh\ncsrr a4, cycleh")
    assert x[11] - x[10] == 5
    assert (x[13], x[14]) == (5, 5)


def test_self_modifying_code():
    text = """
        la a0, patch
        la a1, word
        lw a2, 0(a1)
        sw a2, 0(a0)
        fence.i
    patch:
        li a3, 1
        j end
    word:
        li a3, 2
    """
    for stalls in (0.0, 0.6):
        _, x, _ = run(text, stalls=stalls)
        assert x[13] == 2


INTERRUPTS = """
    la t0, vectors
    csrw mtvec, t0
    j test
    .balign 4
vectors:
    .rept 3
    j wrong
    .endr
    j soft              // 3
    .rept 3
    j wrong
    .endr
    j timer             // 7
    .rept 3
    j wrong
    .endr
    j external          // 11
soft:
    addi s2, s2, 1
    j common
timer:
    addi s3, s3, 1
    j common
external:
    addi s4, s4, 1
common:
    csrr s5, mepc
    csrr s6, mcause
    addi s7, s7, 1
    mret
wrong:
    li s8, 1
    j end
test:
    la t0, vectors
    ori t0, t0, 1
    csrw mtvec, t0
    li t0, 0x888
    csrw mie, t0
"""


@pytest.mark.parametrize(("code", "register"), [(3, S2), (7, S3), (11, S4)])
def test_vectored_interrupts(code, register):
    text = INTERRUPTS + "csrsi mstatus, 8\nloop: addi a0, a0, 1\nbeqz s7, loop"

    def levels(cycle, machine):
        return 0 if machine.interrupted or cycle < 80 else 1 << code

    for stalls in (0.0, 0.5):
        machine, x, symbols = run(text, stalls=stalls, interrupts=levels)
        assert x[register] == x[23] == 1
        assert x[S6] == 1 << 31 | code
        assert symbols["loop"] <= x[S5] <= symbols["loop"] + 4


def test_priority():
    text = INTERRUPTS + "csrsi mstatus, 8\nloop: slti a0, s7, 3\nbnez a0, loop"

    def levels(cycle, machine):
        codes = [record.irq_cause for _, record in machine.records if record.irq]
        return 0x888 & ~sum(1 << code for code in codes)

    machine, x, _ = run(text, interrupts=levels)
    assert [record.irq_cause for _, record in machine.records if record.irq] == [11, 3, 7]


def test_no_interrupt_while_disabled():
    text = INTERRUPTS + "li a0, 20\nloop: addi a0, a0, -1\nbnez a0, loop"
    _, x, _ = run(text, interrupts=lambda cycle, machine: 0x888)
    assert x[23] == 0
    text = INTERRUPTS + "csrw mie, x0\ncsrsi mstatus, 8\nnop\nnop\nnop"
    _, x, _ = run(text, interrupts=lambda cycle, machine: 0x888)
    assert x[23] == 0


def test_interrupts_do_not_break_accesses_and_divisions():
    # Each is done exactly once: the counter in memory and the quotients show it.
    text = (
        INTERRUPTS
        + """
        la a0, count
        li a2, 12
        li a4, 1000
        csrsi mstatus, 8
    loop:
        lw a1, 0(a0)
        addi a1, a1, 1
        sw a1, 0(a0)
        div a5, a4, a1
        add a6, a6, a5
        addi a2, a2, -1
        bnez a2, loop
        csrci mstatus, 8
        lw a1, 0(a0)
        j end
        .balign 4
    count: .word 0
    """
    )
    # A level that goes away when it was taken, raised again and again.
    for stalls in (0.0, 0.5):
        state = dict(level=0, seen=0)

        def levels(cycle, machine, state=state):
            if machine.interrupted > state["seen"]:
                state.update(level=0, seen=machine.interrupted)
            elif cycle % 37 == 0:
                state["level"] = 0x8
            return state["level"]

        _, x, _ = run(text, stalls=stalls, interrupts=levels)
        assert x[11] == 12
        assert x[16] == sum(1000 // n for n in range(1, 13))
        assert x[23] > 5


SLEEP = INTERRUPTS + "{enable}\nli a0, 1\nwfi\nafter: li a1, 2"


@pytest.mark.parametrize("enable", ["csrsi mstatus, 8", "csrci mstatus, 8"])
def test_sleep_until_an_interrupt(enable):
    wake = 200

    def levels(cycle, machine):
        assert machine.sleeping == (60 < cycle <= wake + 1) or not 60 < cycle <= wake + 1
        return 0x80 if cycle >= wake and not machine.interrupted else 0

    machine, x, symbols = run(SLEEP.format(enable=enable), interrupts=levels)
    taken = enable == "csrsi mstatus, 8"
    assert x[11] == 2
    assert x[S3] == taken
    if taken:
        assert x[S5] == symbols["after"], "it returns behind the wfi"
    slept = [cycle for cycle, record in machine.records if record.pc == symbols["after"] - 4]
    assert wake < slept[0] < wake + 6


def test_no_sleep_when_something_is_pending():
    text = INTERRUPTS + "csrci mstatus, 8\nwfi\nwfi\nli a1, 2"
    machine, x, _ = run(text, interrupts=lambda cycle, machine: 0x8, run=dict(cycles=200))
    assert x[11] == 2


def test_interrupts_that_are_not_enabled_do_not_wake():
    text = INTERRUPTS + "li t0, 0x8\ncsrw mie, t0\nwfi"
    with pytest.raises(AssertionError, match="not finished"):
        run(text, interrupts=lambda cycle, machine: 0x880, run=dict(cycles=500))


def changes(vcd, first, last):
    """Names of the signals that change in a VCD between two times, in femtoseconds."""
    names = dict(re.findall(r"\$var \S+ \d+ (\S+) (\S+)", vcd))
    found = set()
    for time, block in re.findall(r"^#(\d+)\n((?:[^#].*\n)*)", vcd, re.MULTILINE):
        if first <= int(time) < last:
            found |= {names[key] for key in re.findall(r"^(?:[01xz]|b\S+ )(\S+)$", block, re.M)}
    return found


def test_nothing_toggles_asleep():
    waves = io.StringIO()

    def levels(cycle, machine):
        return 0x80 if cycle >= 400 else 0

    text = SLEEP.format(enable="csrci mstatus, 8")
    machine, _, _ = run(text, interrupts=levels, run=dict(waves=waves))
    assert changes(waves.getvalue(), 150 * 10**9, 390 * 10**9) == {"clk", "time"}, (
        "time is of the trace"
    )
    assert len(changes(waves.getvalue(), 0, 150 * 10**9)) > 50


def test_nothing_happens_before_the_start():
    core = Core(config=configuration(), rvfi=True)

    async def bench(ctx):
        ctx.set(core.boot_address, BASE)
        ctx.set(core.interrupts.software, 1)
        for _ in range(20):
            await ctx.tick()
            assert not ctx.get(core.fetch.req.valid) and not ctx.get(core.data.req.valid)
            assert not ctx.get(core.sleeping) and not ctx.get(core.rvfi.valid)
        ctx.set(core.start, 1)
        await ctx.tick()
        ctx.set(core.start, 0)
        assert ctx.get(core.fetch.req.valid) and ctx.get(core.fetch.req.payload) == BASE

    simulator = Simulator(core)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
