"""The simulator's machine: devices, interrupts, the barrier, several harts, ends of runs."""

import signal

import pytest

from heed.doctor import build_folder
from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE
from hw.presets import PAPER, TINY
from hw.regmap import DMA, ENGINE, EVENTS, HOST
from sw_model.iss import Iss, IssError, Unhandled
from verif.lib.assembler import assemble

FOLDER = build_folder() / "iss"
RESULT = TCDM_BASE + 0x1000

DEFINITIONS = "\n".join(
    f".equ {block.name}_{register.name}, {DEVICE_BASE + block.offset + register.offset:#x}"
    for block in (DMA, ENGINE, EVENTS, HOST)
    for register in block.registers
)
EXIT = "\nexit_now:\nli t0, 1\nli t1, host_exit\nsw t0, 0(t1)\nj .\n"


def load(text: str, config=TINY, **options) -> tuple[Iss, int]:
    program = assemble(DEFINITIONS + f"\n.equ result, {RESULT:#x}\n" + text + EXIT)
    iss = Iss(config, FOLDER, **options)
    iss.write(program.base, program.data)
    return iss, program.base


def run(text: str, config=TINY, harts=1, **options):
    """Run assembly that falls through to its end; return the simulator and the outcome."""
    iss, entry = load(text, config, **options)
    outcome = iss.run(entry, harts=harts, max_cycles=1_000_000)
    return iss, outcome


def words(iss: Iss, count: int, address: int = RESULT) -> list[int]:
    data = iss.read(address, 4 * count)
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, 4 * count, 4)]


# A handler that notes mcause, mepc and mtval at `result` and ends the run.
NOTE = """
.balign 4
handler:
    li s0, result
    csrr s1, mcause
    sw s1, 0(s0)
    csrr s1, mepc
    sw s1, 4(s0)
    csrr s1, mtval
    sw s1, 8(s0)
    j exit_now
"""
SET_HANDLER = "la t0, handler\ncsrw mtvec, t0\n"


@pytest.mark.parametrize(
    "instruction, cause, value",
    (
        ("lw t1, 2(a0)", 4, TCDM_BASE + 2),
        ("lh t1, 1(a0)", 4, TCDM_BASE + 1),
        ("sw t1, 1(a0)", 6, TCDM_BASE + 1),
        ("cv.lw t1, (a1), 4", 4, TCDM_BASE + 2),
        ("lr.w t1, (a1)", 4, TCDM_BASE + 2),
        ("sc.w t1, t1, (a1)", 6, TCDM_BASE + 2),
        ("amoadd.w t1, t1, (a1)", 6, TCDM_BASE + 2),
        ("lw t1, 0(zero)", 5, 0),
        ("sw t1, 0(zero)", 7, 0),
        ("lr.w t1, (zero)", 5, 0),
        ("sc.w t1, t1, (zero)", 7, 0),
        ("lr.w t1, (a2)", 5, DEVICE_BASE),
        ("amoswap.w t1, t1, (a2)", 7, DEVICE_BASE),
        ("jr zero", 1, 0),
        ("li t1, 2\n jr t1", 0, 2),
        ("ecall", 11, 0),
        (".word 0xffffffff", 2, 0xFFFFFFFF),
        ("csrw mhartid, t1", 2, 0xF1431073),
        ("csrr t1, 0x7c0", 2, 0x7C002373),
    ),
)
def test_exception(instruction, cause, value):
    setup = f"li a0, {TCDM_BASE}\n addi a1, a0, 2\n li a2, {DEVICE_BASE}\n li t1, 7\n"
    iss, outcome = run(SET_HANDLER + setup + f"\n{instruction}\n" + "j exit_now" + NOTE)
    assert outcome.status == 0
    assert words(iss, 3)[0::2] == [cause, value]


def test_a_fault_changes_no_register():
    """Not even the base of a post-increment."""
    text = SET_HANDLER + "li a0, 0x10000002\nli a1, 5\ncv.lw a1, (a0), 4\nj exit_now"
    text += NOTE.replace("j exit_now", "sw a0, 12(s0)\nsw a1, 16(s0)\nj exit_now")
    iss, _ = run(text)
    assert words(iss, 5)[3:] == [0x10000002, 5]


DEVICE_FAULTS = [
    ("li a0, events_hart_count", "sw t1, 0(a0)", 7),
    ("li a0, events_msip", "sb t1, 0(a0)", 7),
    ("li a0, events_msip", "lb t1, 1(a0)", 5),
    (f"li a0, {DEVICE_BASE + 4 * TINY.harts}", "lw t1, 0(a0)", 5),
    (f"li a0, {DEVICE_BASE + 0x194}", "lw t1, 0(a0)", 5),
    (f"li a0, {DEVICE_BASE + 0x3000}", "lw t1, 0(a0)", 5),
    (f"li a0, {DEVICE_BASE + 0x10000}", "lw t1, 0(a0)", 5),
    ("li a0, engine_id", "sw t1, 0(a0)", 7),
    ("li a0, host_console", "sh t1, 0(a0)", 7),
]


@pytest.mark.parametrize("setup, access, cause", DEVICE_FAULTS)
def test_device_fault(setup, access, cause):
    iss, _ = run(SET_HANDLER + f"{setup}\n{access}\nj exit_now" + NOTE)
    assert words(iss, 1) == [cause]


def test_device_registers():
    text = """
        li s0, result
        li a0, events_hart_count
        lw a1, 0(a0)
        sw a1, 0(s0)
        lbu a1, 0(a0)
        sw a1, 4(s0)
        li a0, events_hart_started
        lw a1, 0(a0)
        sw a1, 8(s0)
        li a0, engine_id
        lw a1, 0(a0)
        sw a1, 12(s0)
        li a0, engine_sizes
        lw a1, 0(a0)
        sw a1, 16(s0)
        li a0, engine_config_hash
        lw a1, 0(a0)
        sw a1, 20(s0)
        li a0, engine_state
        lw a1, 0(a0)
        sw a1, 24(s0)
        li a0, host_mailbox
        lw a1, 0(a0)
        sw a1, 28(s0)
    """
    iss, _ = run(text)
    engine = TINY.engine
    sizes = bytes((engine.units, engine.lanes, engine.ports, engine.queue_depth))
    assert words(iss, 8) == [
        *(TINY.harts, TINY.harts, 1, 0x4EED0001, int.from_bytes(sizes, "little")),
        *(TINY.hash, engine.queue_depth << 8, 0),
    ]


@pytest.mark.parametrize("vectored", (0, 1))
@pytest.mark.parametrize(
    "raises, code",
    (
        ("li a0, events_msip\n li a1, 1\n sw a1, 0(a0)", 3),
        ("li a0, events_mtimecmp_high\n sw zero, 0(a0)\n li a0, events_mtimecmp_low\n"
         "li a1, 500\n sw a1, 0(a0)", 7),
        ("li a0, events_event_enable\n li a1, 4\n sw a1, 0(a0)\n li a0, events_event_set\n"
         "li a1, 1\n sw a1, 0(a0)", 11),
    ),
)  # fmt: skip
def test_interrupt(raises, code, vectored):
    """Each is taken when mie and mstatus allow it, and wakes from wfi without mstatus."""
    table = ".balign 64\ntable:\n" + "j wrong\n" * code + "j handler\n" + "j wrong\n" * 12
    text = f"""
        la t0, {"table" if vectored else "handler"}
        ori t0, t0, {vectored}
        csrw mtvec, t0
        li t0, {1 << code}
        csrw mie, t0
        {raises}
        wfi
        la s4, after
        csrsi mstatus, 8
    after:
        nop
        j .
    wrong:
        j exit_now
    """
    iss, outcome = run(text + table + NOTE)
    assert words(iss, 3)[0::2] == [1 << 31 | code, 0]
    assert words(iss, 2)[1] - MAIN_BASE < 200
    if code == 7:
        assert 500 <= outcome.cycles < 600


def test_sleep_counts_no_mcycle_and_time_goes_on():
    text = """
        li t0, 128
        csrw mie, t0
        li a0, events_mtimecmp_high
        sw zero, 0(a0)
        li a0, events_mtimecmp_low
        li a1, 100000
        sw a1, 0(a0)
        wfi
        li s0, result
        csrr a1, mcycle
        sw a1, 0(s0)
        li a0, events_mtime_low
        lw a1, 0(a0)
        sw a1, 4(s0)
        csrr a1, minstret
        sw a1, 8(s0)
    """
    iss, outcome = run(text)
    mcycle, mtime, minstret = words(iss, 3)
    assert mcycle < 100 and minstret < 40
    assert 100_000 <= mtime < 100_050
    assert 100_000 < outcome.cycles < 100_100


def test_a_timer_that_is_due_when_sleep_begins():
    """In whatever cycle it comes, nobody sleeps for ever."""
    iss, entry = load("""
        li t0, 128
        csrw mie, t0
        li s0, result
        li a0, events_mtimecmp_high
        sw zero, 0(a0)
        li a0, events_mtimecmp_low
        lw a1, 0(s0)
        sw a1, 0(a0)
        sw zero, 4(s0)
        wfi
    """)
    for when in range(15, 50):
        iss.write(RESULT, when.to_bytes(4, "little"))
        outcome = iss.run(entry, max_cycles=1000)
        assert outcome.status == 0
        assert outcome.cycles < 80


def test_sleep_without_an_event_ends_quickly():
    iss, entry = load("wfi\n")
    outcome = iss.run(entry, max_cycles=10**12)
    assert (outcome.status, outcome.exited, outcome.cycles) == (124, False, 10**12)
    assert outcome.seconds < 5


def test_max_cycles():
    iss, entry = load("spin: j spin\n")
    outcome = iss.run(entry, max_cycles=1000)
    assert (outcome.status, outcome.exited, outcome.cycles) == (124, False, 1000)
    assert outcome.pcs[0] == entry
    assert outcome.pcs[1] == 0


@pytest.mark.parametrize(
    "text, expected",
    (
        ("nop\n ecall", (11, 4, 0x73, 0)),
        ("li t0, 0x40000000\n csrw mtvec, t0\n .word 0", (2, 8, 0, 0)),
        ("lw t0, 0(zero)", (5, 0, 0x00002283, 0)),
    ),
)
@pytest.mark.parametrize("traced", (False, True))
def test_unhandled_trap(text, expected, traced):
    iss, entry = load(text)
    outcome = iss.run(entry, trace=(lambda hart, record: None) if traced else None)
    cause, offset, insn, value = expected
    assert outcome.trap == Unhandled(0, cause, entry + offset, insn, value)
    assert (outcome.status, outcome.exited) == (125, False)


def test_unhandled_interrupt_names_its_cause():
    text = "li a0, events_msip\n li a1, 1\n sw a1, 0(a0)\n li a1, 8\n csrw mie, a1\n"
    iss, entry = load(text + "csrsi mstatus, 8\n nop\n j .")
    trap = iss.run(entry).trap
    assert trap.cause == 1 << 31 | 3


@pytest.mark.parametrize("code, status", ((1, 0), (7, 3), (2 * 300 + 1, 255)))
def test_exit_status(code, status):
    iss, entry = load(f"li a0, host_exit\n li a1, 6\n sw a1, 0(a0)\n li a1, {code}\n sw a1, 0(a0)")
    assert iss.run(entry).status == status


def test_tohost_takes_odd_words_only():
    text = f"""
        li a0, {MAIN_BASE + 0x8000}
        li a1, 4
        sw a1, 0(a0)
        li a1, 5
        sb a1, 0(a0)
        sh a1, 0(a0)
        li a1, 9
        sw a1, 0(a0)
        j exit_now
    """
    iss, entry = load(text)
    assert iss.run(entry, tohost=MAIN_BASE + 0x8000).status == 4
    assert iss.run(entry).status == 0


def test_console_and_mailbox():
    text = """
        li a0, host_console
        li a1, 'A'
        sw a1, 0(a0)
        li a1, 0x142
        sw a1, 0(a0)
        li a0, host_mailbox
        li a1, 77
        sw a1, 0(a0)
    """
    iss, entry = load(text)
    printed, seen = bytearray(), []
    outcome = iss.run(
        entry, console=printed.extend, on_mailbox=lambda cycle, value: seen.append((cycle, value))
    )
    assert printed == b"AB"
    assert outcome.mailbox == seen
    assert [value for _, value in seen] == [77]
    assert 0 < seen[0][0] < outcome.cycles


def test_an_exception_in_a_callback_ends_the_run():
    def fail(cycle, value):
        raise KeyError("mine")

    iss, entry = load("li a0, host_mailbox\n sw zero, 0(a0)\n j .\n")
    with pytest.raises(KeyError, match="mine"):
        iss.run(entry, on_mailbox=fail)


def test_a_user_can_interrupt_a_long_run():
    def ring(number, frame):
        raise KeyboardInterrupt

    iss, entry = load("spin: j spin\n")
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            iss.run(entry, max_cycles=10**15)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


BARRIER = """
    csrr s0, mhartid
    li s1, result
    sh2add_:
    slli t0, s0, 2
    add s1, s1, t0
    # Hart h works (h + 1) * 100 rounds, then waits for the others and notes the time.
    addi t0, s0, 1
    li t1, 100
    mul t0, t0, t1
work:
    addi t0, t0, -1
    bnez t0, work
    li t1, events_barrier
    lw t2, 0(t1)
    li t1, events_mtime_low
    lw t2, 0(t1)
    sw t2, 0(s1)
    lw t2, 0(t1)
    bnez s0, sleep
    li t1, 1000
last:
    addi t1, t1, -1
    bnez t1, last
    j exit_now
sleep:
    wfi
    j sleep
"""


def test_barrier_lets_all_go_at_once():
    harts = PAPER.harts
    iss, outcome = run(BARRIER, PAPER, harts)
    times = words(iss, harts)
    assert outcome.status == 0
    assert min(times) > harts * 100 * 2
    assert max(times) - min(times) <= 8


def test_barrier_members():
    """Who is no member passes; striking the last one off releases those who wait."""
    text = """
        csrr s0, mhartid
        li t1, events_barrier
        bnez s0, other
        li t0, 1000
    wait:
        addi t0, t0, -1
        bnez t0, wait
        li t2, events_barrier_members
        li t3, 2
        sw t3, 0(t2)
        lw t2, 0(t1)
        li t0, 100
    more:
        addi t0, t0, -1
        bnez t0, more
        j exit_now
    other:
        lw t2, 0(t1)
        li t1, events_mtime_low
        lw t2, 0(t1)
        li s1, result
        sw t2, 0(s1)
        wfi
    """
    iss, outcome = run(text, TINY, 2)
    assert outcome.status == 0
    assert 3000 < words(iss, 1)[0] < 3100


def test_who_was_struck_off_waits_again_as_a_member():
    """Being let go counts for one barrier only."""
    text = """
        csrr s0, mhartid
        li t1, events_barrier
        li t2, events_barrier_members
        li s1, result
        bnez s0, other
        li t0, 100
    wait:
        addi t0, t0, -1
        bnez t0, wait
        sw zero, 0(t2)      # lets hart 1 go
        li t0, 3
        sw t0, 0(t2)
        li t0, 1000
    longer:
        addi t0, t0, -1
        bnez t0, longer
        lw t3, 0(t1)
        li t0, 100
    more:
        addi t0, t0, -1
        bnez t0, more
        j exit_now
    other:
        lw t3, 0(t1)
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        lw t3, 0(t1)
        li t1, events_mtime_low
        lw t3, 0(t1)
        sw t3, 0(s1)
        wfi
    """
    iss, outcome = run(text, TINY, 2)
    assert outcome.status == 0
    assert words(iss, 1)[0] > 3000


COUNT = """
    csrr s0, mhartid
    li s1, result
    li s2, 200
again:
    # One word by amoadd, one by LR and SC, one by plain loads and stores behind a lock.
    li t0, 1
    amoadd.w zero, t0, (s1)
    addi t1, s1, 4
retry:
    lr.w t2, (t1)
    addi t2, t2, 1
    sc.w t3, t2, (t1)
    bnez t3, retry
    addi t1, s1, 8
lock:
    amoswap.w t2, t0, (t1)
    bnez t2, lock
    lw t2, 12(s1)
    nop
    addi t2, t2, 1
    sw t2, 12(s1)
    amoswap.w zero, zero, (t1)
    addi s2, s2, -1
    bnez s2, again
    li t1, events_barrier
    lw t2, 0(t1)
    beqz s0, exit_now
    wfi
"""


@pytest.mark.parametrize("area", (TCDM_BASE, MAIN_BASE + 0x8000))
def test_atomics_of_many_harts(area):
    iss, outcome = run(COUNT.replace("li s1, result", f"li s1, {area}"), PAPER, PAPER.harts)
    assert outcome.status == 0
    total = 200 * PAPER.harts
    assert words(iss, 4, area) == [total, total, 0, total]


def test_runs_repeat_exactly():
    """Harts that race do so in the same way each time, traced or not."""
    iss, entry = load(COUNT, PAPER)
    outcomes = []
    for trace in (None, None, lambda hart, record: None):
        iss.write(RESULT, bytes(16))
        found = iss.run(entry, harts=PAPER.harts, trace=trace)
        outcomes.append((found.cycles, found.instructions, found.pcs))
    assert outcomes[0] == outcomes[1] == outcomes[2]


RESERVATION = """
    li s0, result
    li s1, 0x10000100
    {before}
    lr.w t0, (s1)
    {between}
    li t1, 9
    sc.w t0, t1, (s1)
    sw t0, 0(s0)
    sc.w t0, t1, (s1)
    sw t0, 4(s0)
    lw t0, 0(s1)
    sw t0, 8(s0)
"""


@pytest.mark.parametrize(
    "between, fails",
    (
        ("", 0),
        ("sw zero, 0(s1)", 0),  # the hart's own plain stores do not break it
        ("sw zero, 4(s1)", 0),
        ("addi s2, s1, 4\n sc.w t1, t1, (s2)", 1),  # any SC ends it
    ),
)
def test_reservation(between, fails):
    iss, _ = run(RESERVATION.format(before="", between=between))
    assert words(iss, 3) == [fails, 1, 0 if fails else 9]


def test_another_harts_store_breaks_a_reservation():
    text = """
        li s0, result
        li s1, 0x10000100
        li t1, events_barrier
        csrr t0, mhartid
        bnez t0, other
        lr.w t0, (s1)
        lw t2, 0(t1)
        lw t2, 0(t1)
        sc.w t0, t1, (s1)
        sw t0, 0(s0)
        j exit_now
    other:
        lw t2, 0(t1)
        sb zero, 1(s1)
        lw t2, 0(t1)
        wfi
    """
    iss, _ = run(text, TINY, 2)
    assert words(iss, 1) == [1]


def test_self_modifying_code():
    """In both memories, after fence.i."""
    for area in (TCDM_BASE + 0x200, MAIN_BASE + 0x4000):
        text = f"""
            li s0, result
            li s1, {area}
            li t0, 0x00150513   # addi a0, a0, 1
            sw t0, 0(s1)
            li t0, 0x00008067   # ret
            sw t0, 4(s1)
            li a0, 0
            fence.i
            jalr s1
            li t0, 0x06450513   # addi a0, a0, 100
            sw t0, 0(s1)
            fence.i
            jalr s1
            sw a0, 0(s0)
        """
        iss, _ = run(text)
        assert words(iss, 1) == [101]


DMA_COPY = f"""
    li s0, result
    li s1, dma_source
    li t0, {MAIN_BASE + 0x9001}
    sw t0, 0(s1)
    li t0, {TCDM_BASE + 0x203}
    sw t0, 4(s1)
    li t0, 5
    sw t0, 8(s1)
    li t0, 16
    sw t0, 12(s1)     # source: lines
    li t0, 64
    sw t0, 16(s1)     # source: planes
    li t0, 7
    sw t0, 20(s1)
    li t0, 21
    sw t0, 24(s1)
    li t0, 3
    sw t0, 28(s1)     # lines
    li t0, 2
    sw t0, 32(s1)     # planes
    li t0, 1
    sw t0, 36(s1)     # event
    li t0, events_event_enable
    li t1, 2
    sw t1, 0(t0)
    li t1, 2048
    csrw mie, t1
    lw t1, 40(s1)
    sw t1, 0(s0)
    lw t1, 44(s1)
    sw t1, 4(s0)
    wfi
    lw t1, 44(s1)
    sw t1, 8(s0)
    lw t1, 48(s1)
    sw t1, 12(s0)
"""


def test_dma():
    iss, entry = load(DMA_COPY)
    data = bytes(range(256))
    iss.write(MAIN_BASE + 0x9001, data)
    outcome = iss.run(entry, max_cycles=100_000)
    assert outcome.status == 0
    assert words(iss, 4) == [1, 0, 1, 0]
    for plane in range(2):
        for line in range(3):
            offset = 16 * line + 64 * plane
            place = TCDM_BASE + 0x203 + 7 * line + 21 * plane
            assert iss.read(place, 7) == data[offset : offset + 5] + bytes(2)


def test_dma_error_and_full_queue():
    text = """
        li s0, result
        li s1, dma_source
        li t0, 64
        sw t0, 8(s1)
        lw t1, 40(s1)
        lw t1, 40(s1)
        lw t1, 40(s1)
        lw t1, 40(s1)
        sw t1, 0(s0)
        lw t1, 40(s1)
        sw t1, 4(s0)
    wait:
        lw t1, 44(s1)
        li t2, 4
        bne t1, t2, wait
        lw t1, 48(s1)
        sw t1, 8(s0)
        li t1, 4
        sw t1, 48(s1)
        lw t1, 48(s1)
        sw t1, 12(s0)
    """
    iss, outcome = run(text)
    assert outcome.status == 0
    assert words(iss, 4) == [4, 0, 0b11110, 0b11010]


def test_no_dma():
    iss, _ = run(SET_HANDLER + "li a0, dma_source\n lw t0, 0(a0)\nj exit_now" + NOTE, dma=False)
    assert words(iss, 1) == [5]


def test_event_counters():
    """Loads, stores and taken branches, exactly; no more once they are inhibited."""
    text = """
        li s0, result
        li t0, 1 << 4
        csrw mhpmevent3, t0
        li t0, 1 << 5
        csrw mhpmevent4, t0
        li t0, 1 << 3
        csrw mhpmevent5, t0
        li t1, 10
    loop:
        lw t2, 0(s0)
        sw t2, 4(s0)
        sw t2, 8(s0)
        addi t1, t1, -1
        bnez t1, loop
        li t0, 0x38
        csrw mcountinhibit, t0
        sw zero, 0(s0)
        lw t2, 0(s0)
        csrr t0, mhpmcounter3
        sw t0, 0(s0)
        csrr t0, mhpmcounter4
        sw t0, 4(s0)
        csrr t0, mhpmcounter5
        sw t0, 8(s0)
    """
    iss, _ = run(text)
    assert words(iss, 3) == [10, 20, 9]


def test_arguments():
    iss, entry = load("nop")
    with pytest.raises(IssError, match="harts is 3, but must be 1 to 2"):
        iss.run(entry, harts=3)
    with pytest.raises(IssError, match="entry is 0x80000002, but must be a multiple of 4"):
        iss.run(entry + 2)
    with pytest.raises(IssError, match="max_cycles is 0"):
        iss.run(entry, max_cycles=0)
    with pytest.raises(IssError, match="4 bytes at 0x00000000 do not lie in one memory"):
        iss.write(0, b"1234")
    with pytest.raises(IssError, match="do not lie"):
        iss.read(TCDM_BASE + TINY.tcdm.bytes - 2, 4)
