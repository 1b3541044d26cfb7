"""What the model's extensions do to a hart: memory, loops, reservations, registers."""

import pytest

from hw.config import CORE_GROUPS, CoreConfig
from sw_model.isa import FlatMemory, Hart, MemoryMap, Reservations, Retired, encode
from sw_model.isa import csr as registers
from sw_model.isa.table import TABLE
from sw_model.isa.trap import Cause

BASE, DATA, DEVICE, HANDLER = 0x8000_0000, 0x1000_0000, 0x1010_0000, 0x8000_0400
ROWS = {(row.name, row.operands): row for row in TABLE} | {row.name: row for row in TABLE}


def word(name, **operands):
    return encode(ROWS[name], **operands)


def memory_with(*program):
    code = bytearray(2048)
    for index, instruction in enumerate(program):
        code[4 * index : 4 * index + 4] = instruction.to_bytes(4, "little")
    return MemoryMap(
        FlatMemory(BASE, code),
        FlatMemory(DATA, bytes(range(256))),
        FlatMemory(DEVICE, bytes(16), atomic=False),
    )


def hart_with(*program, **options):
    hart = Hart(memory_with(*program), BASE, **options)
    hart.csrs.write(registers.MTVEC, HANDLER)
    return hart


def run(hart, steps):
    return [hart.step() for _ in range(steps)]


LOADS = [("cv.lb", 1, 0xFFFFFF80), ("cv.lbu", 1, 0x80), ("cv.lh", 2, 0xFFFF8180)]
LOADS += [("cv.lhu", 2, 0x8180), ("cv.lw", 4, 0x83828180)]


@pytest.mark.parametrize("name, size, value", LOADS)
@pytest.mark.parametrize("form", ["rd, (rs1), imm_i", "rd, (rs1), rs2", "rd, rs2(rs1)"])
def test_loads(name, size, value, form):
    immediate = {"imm_i": -12} if "imm_i" in form else {"rs2": 7}
    instruction = word((name, form), rd=5, rs1=6, **immediate)
    hart = hart_with(instruction)
    post = form.startswith("rd, (")
    hart.x[7] = (-12 & 0xFFFFFFFF) if post else 0x80
    hart.x[6] = DATA + 0x80 if post else DATA
    raw = value & (1 << 8 * size) - 1
    base = {"rd2_addr": 6, "rd2_wdata": DATA + 0x74} if post else {}
    assert hart.step()._asdict() == {
        **dict.fromkeys(Retired._fields, 0),
        **dict(pc=BASE, insn=instruction, next_pc=BASE + 4, rd_addr=5, rd_wdata=value, **base),
        **dict(mem_addr=DATA + 0x80, mem_rmask=(1 << size) - 1, mem_rdata=raw),
    }
    assert hart.x[6] == (DATA + 0x74 if post else DATA)


def test_a_load_into_its_base_keeps_the_value():
    hart = hart_with(word(("cv.lw", "rd, (rs1), imm_i"), rd=6, rs1=6, imm_i=4))
    hart.x[6] = DATA
    step = hart.step()
    assert (step.rd_addr, step.rd_wdata, step.rd2_addr) == (6, 0x03020100, 0)
    assert hart.x[6] == 0x03020100


def test_the_offset_may_be_the_destination():
    hart = hart_with(word(("cv.lw", "rd, (rs1), rs2"), rd=7, rs1=6, rs2=7))
    hart.x[6], hart.x[7] = DATA, 20
    hart.step()
    assert (hart.x[6], hart.x[7]) == (DATA + 20, 0x03020100)


@pytest.mark.parametrize("name, size", [("cv.sb", 1), ("cv.sh", 2), ("cv.sw", 4)])
@pytest.mark.parametrize("form", ["rs2, (rs1), imm_s", "rs2, (rs1), rs3", "rs2, rs3(rs1)"])
def test_stores(name, size, form):
    offset = {"imm_s": 40} if "imm_s" in form else {"rs3": 7}
    hart = hart_with(word((name, form), rs2=5, rs1=6, **offset))
    hart.x[5:8] = 0xA1B2C3D4, DATA, 40
    step, post = hart.step(), "(rs1)," in form
    address, mask = (DATA if post else DATA + 40), (1 << size) - 1
    value = 0xA1B2C3D4 & (1 << 8 * size) - 1
    assert (step.mem_addr, step.mem_wmask, step.mem_wdata) == (address, mask, value)
    assert (step.rd_addr, step.mem_rmask) == (0, 0)
    assert (step.rd2_addr, step.rd2_wdata) == ((6, DATA + 40) if post else (0, 0))
    assert hart.memory.load(address, size) == value
    if size < 4:
        assert hart.memory.load(address + size, 1) == address % 256 + size


@pytest.mark.parametrize("address, fault", [(DATA + 1, "MISALIGNED"), (0x3000_0000, "FAULT")])
def test_a_trap_leaves_the_base(address, fault):
    load = word(("cv.lw", "rd, (rs1), imm_i"), rd=5, rs1=6, imm_i=4)
    store = word(("cv.sw", "rs2, (rs1), imm_s"), rs2=5, rs1=6, imm_s=4)
    for instruction, kind in ((load, "LOAD"), (store, "STORE")):
        hart = hart_with(instruction)
        hart.x[6] = address
        step = hart.step()
        assert (step.trap, step.cause) == (True, Cause[f"{kind}_{fault}"])
        assert (step.next_pc, step.rd_addr, step.rd2_addr, step.mem_addr) == (HANDLER, 0, 0, 0)
        assert hart.x[6] == address
        assert hart.csrs.plain[registers.MTVAL] == address


NOP = word("addi")


def counting(*registers_):
    return [word("addi", rd=r, rs1=r, imm_i=1) for r in registers_]


def test_a_loop_runs_count_times():
    hart = hart_with(word("cv.setupi", loop=0, count=3, near=12), *counting(1, 2), NOP)
    pcs = [step.pc - BASE for step in run(hart, 8)]
    assert pcs == [0, 4, 8, 4, 8, 4, 8, 12]
    assert (hart.x[1], hart.x[2], hart.loops[0].count) == (3, 3, 0)


def test_nested_loops():
    outer = word("cv.setup", loop=1, rs1=9, far=20)
    inner = word("cv.setupi", loop=0, count=2, near=8)
    hart = hart_with(outer, inner, *counting(1, 2, 3), NOP)
    hart.x[9] = 3
    while hart.pc != BASE + 24:
        hart.step()
    assert hart.x[1:4] == [6, 3, 3]


def test_only_the_inner_of_two_loops_that_end_together():
    hart = hart_with(
        word("cv.setupi", loop=1, count=2, near=12),
        word("cv.setupi", loop=0, count=2, near=8),
        *counting(1),
        *counting(2),
    )
    pcs = [step.pc - BASE for step in run(hart, 5)]
    assert pcs == [0, 4, 8, 8, 12]  # loop 0 ended, loop 1 was never looked at
    assert hart.loops[1].count == 2


@pytest.mark.parametrize(
    "last, counts",
    [
        (word("beq", imm_b=4), False),
        (word("bne", imm_b=8), True),
        (word("jal", imm_j=4), False),
        (word("fence.i"), False),
        (word("fence"), True),
        (word("cv.count", loop=1, rs1=0), False),
        (word("csrrs", rd=1, csr=registers.MSCRATCH), True),
        (word("ecall"), False),
    ],
)
def test_what_ends_a_loop(last, counts):
    hart = hart_with(word("cv.setupi", loop=0, count=2, near=8), last, NOP)
    _, step = run(hart, 2)
    assert hart.loops[0].count == (1 if counts else 2)
    assert step.next_pc == (BASE + 4 if counts else HANDLER if step.trap else BASE + 8)


def test_long_setup_and_loop_registers():
    program = [
        word("cv.starti", loop=1, far=4 * 4095),
        word("cv.endi", loop=1, far=8),
        word("cv.counti", loop=1, count=4095),
        word("cv.start", loop=0, rs1=5),
        word("cv.end", loop=0, rs1=5),
        word("cv.count", loop=0, rs1=5),
        *(word("csrrs", rd=10 + n, csr=0xCC0 + n) for n in (0, 1, 2, 4, 5, 6)),
    ]
    hart = hart_with(*program)
    hart.x[5] = 0xFFFFFFFF
    steps = run(hart, len(program))
    assert not any(step.trap for step in steps)
    values = [step.rd_wdata for step in steps[6:]]
    assert values == [0xFFFFFFFC, 0xFFFFFFFC, 0xFFFFFFFF, BASE + 4 * 4095, BASE + 12, 4095]


@pytest.mark.parametrize("address", range(0xCC0, 0xCC8))
def test_loop_registers_are_read_only(address):
    exists = address & 3 != 3
    assert hart_with(word("csrrs", rd=1, csr=address)).step().trap != exists
    assert hart_with(word("csrrw", rd=1, csr=address)).step().trap
    core = CoreConfig.of("m")
    assert hart_with(word("csrrs", rd=1, csr=address), core=core).step().trap


AMOS = {
    "amoswap.w": lambda old, new: new,
    "amoadd.w": lambda old, new: old + new,
    "amoxor.w": lambda old, new: old ^ new,
    "amoand.w": lambda old, new: old & new,
    "amoor.w": lambda old, new: old | new,
    "amomin.w": lambda old, new: old if (old ^ 1 << 31) < (new ^ 1 << 31) else new,
    "amomax.w": lambda old, new: old if (old ^ 1 << 31) > (new ^ 1 << 31) else new,
    "amominu.w": lambda old, new: old if old < new else new,
    "amomaxu.w": lambda old, new: old if old > new else new,
}


@pytest.mark.parametrize("name", AMOS)
@pytest.mark.parametrize("old", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("new", [0, 5, 0x7FFFFFFE, 0x80000001, 0xFFFFFFFE])
def test_amos(name, old, new):
    hart = hart_with(word(name, rd=5, rs1=6, rs2=7))
    hart.x[6], hart.x[7] = DATA + 8, new
    hart.memory.store(DATA + 8, 4, old)
    step = hart.step()
    assert (step.rd_addr, step.rd_wdata) == (5, old)
    assert (step.mem_addr, step.mem_rmask, step.mem_wmask) == (DATA + 8, 15, 15)
    assert (step.mem_rdata, step.mem_wdata) == (old, new)
    assert hart.memory.load(DATA + 8, 4) == AMOS[name](old, new) & 0xFFFFFFFF


@pytest.mark.parametrize("name", ["lr.w", "sc.w", "amoadd.w"])
@pytest.mark.parametrize("address, lr, other", [(DATA + 2, 4, 6), (DEVICE, 5, 7), (0x100, 5, 7)])
def test_atomics_that_trap(name, address, lr, other):
    hart = hart_with(word(name, rd=5, rs1=6))
    hart.x[6] = address
    step = hart.step()
    assert (step.trap, step.cause) == (True, lr if name == "lr.w" else other)
    assert hart.csrs.plain[registers.MTVAL] == address


LR, SC = word("lr.w", rd=5, rs1=6), word("sc.w", rd=5, rs1=6, rs2=7)
STORE, AMO = word("sw", rs1=6, rs2=8), word("amoswap.w", rd=0, rs1=6, rs2=8)


def two_harts(first, second):
    memory, reservations = memory_with(*first), Reservations()
    for index, instruction in enumerate(second):
        memory.store(BASE + 0x100 + 4 * index, 4, instruction)
    harts = [Hart(memory, BASE + 0x100 * n, n, reservations=reservations) for n in range(2)]
    for hart in harts:
        hart.x[6:9] = DATA, 77, 88
    return harts


@pytest.mark.parametrize(
    "first, second, fails",
    [
        ([LR, SC], [], 0),
        ([SC], [], 1),
        ([LR, SC, SC], [], 1),
        ([LR, STORE, SC], [], 0),
        ([LR, AMO, SC], [], 0),
        ([LR, SC], [STORE], 1),
        ([LR, SC], [AMO], 1),
        ([LR, SC], [LR, SC], 1),
        ([LR, SC], [SC], 0),
        ([LR, SC], [LR], 0),
        ([LR, word("addi", rd=6, rs1=6, imm_i=4), SC], [], 1),
        ([LR, word("ecall"), SC], [], 0),
    ],
)
def test_reservations(first, second, fails):
    one, other = two_harts(first, second)
    for index in range(len(first)):
        if index == 1:
            run(other, len(second))
        step = one.step()
        if step.trap:
            one.pc = step.pc + 4
    assert (step.rd_addr, step.rd_wdata) == (5, fails)
    assert (step.mem_wmask, step.mem_wdata) == ((0, 0) if fails else (15, 77))


@pytest.mark.parametrize("group", CORE_GROUPS)
def test_a_group_that_is_not_there_is_illegal(group):
    rows = [row for row in TABLE if row.group == group]
    others = CoreConfig.of(*(name for name in CORE_GROUPS if name != group))
    for row in rows:
        step = hart_with(row.match, core=others).step()
        assert (step.trap, step.cause) == (True, Cause.ILLEGAL), row.name
        step = hart_with(row.match, core=CoreConfig.of(group)).step()
        assert not step.trap or step.cause != Cause.ILLEGAL, row.name


def read(hart, address):
    return hart.csrs.access(address, False)


@pytest.mark.parametrize(
    "core, value",
    [(CoreConfig(), 0x40001101), (CoreConfig.of("m"), 0x40001100), (CoreConfig.of(), 0x40000100)],
)
def test_misa(core, value):
    assert read(hart_with(core=core), registers.MISA) == value


@pytest.mark.parametrize("counters", [0, 4, 8])
def test_event_counters(counters):
    hart = hart_with(core=CoreConfig(event_counters=counters))
    for n in range(29):
        there = n < counters
        for first, kept in ((0x323, 0xFF), (0xB03, 0xFFFFFFFF), (0xB83, 0xFFFFFFFF)):
            hart.csrs.write(first + n, 0xFFFFFFFF)
            assert read(hart, first + n) == (kept if there else 0)
    hart.csrs.write(registers.MCOUNTINHIBIT, 0xFFFFFFFF)
    assert read(hart, registers.MCOUNTINHIBIT) == 5 | ((1 << counters) - 1) << 3


def test_retired_instructions_are_counted():
    hart = hart_with(NOP, word("ecall"), NOP)
    run(hart, 2)
    assert hart.csrs.retired == 1
    hart = hart_with(word("csrrw", csr=registers.MINSTRET, rs1=1), NOP)
    hart.x[1] = 100
    run(hart, 2)
    assert hart.csrs.retired == 101


def test_an_interrupt_names_itself_in_the_next_record():
    hart = hart_with(NOP, NOP)
    hart.memory.store(HANDLER, 4, word("ecall"))
    hart.csrs.write(registers.MIE, 1 << 11)
    hart.csrs.write(registers.MSTATUS, registers.STATUS_MIE)
    hart.step()
    step = hart.step(1 << 11)
    assert (step.pc, step.irq, step.irq_cause) == (HANDLER, True, 11)
    assert (step.trap, step.cause, step.next_pc) == (True, Cause.ECALL, HANDLER)
