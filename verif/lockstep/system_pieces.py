"""Pieces of random programs about CSRs, traps, interrupts, devices and code that changes."""

from hw.regmap import EVENTS as EVENT_UNIT
from verif.lockstep.compute_pieces import compute
from verif.lockstep.layout import BAD, COUNT, DATA, EVENT_BASE, EVENTS, LINK, MAIN, WALK
from verif.lockstep.memory_pieces import bad_atomic
from verif.lockstep.words import COMPUTING, FORMS, find
from verif.lockstep.writer import Writer

MSTATUS, MISA, MIE, MTVEC = 0x300, 0x301, 0x304, 0x305
MSCRATCH, MEPC, MCAUSE, MTVAL, MIP = 0x340, 0x341, 0x342, 0x343, 0x344
MHARTID = 0xF14
STATUS_MIE = 8
ALL_INTERRUPTS = 0x888

_LOOP_REGISTERS = (0xCC0, 0xCC1, 0xCC2, 0xCC4, 0xCC5, 0xCC6)
_COUNTERS = (0xB00, 0xB80, 0xB02, 0xB82, 0xC00, 0xC80, 0xC02, 0xC82, 0x320)
_EVENT_COUNTERS = tuple(
    first + number for first in (0x323, 0xB03, 0xB83) for number in (0, 1, 2, 3, 4, 7, 28)
)
_IDENTIFICATION = (MISA, 0x310, MHARTID, 0xF11, 0xF12, 0xF13, 0xF15)
_PLAIN = (MSCRATCH, MEPC, MCAUSE, MTVAL, MIP)
_ABSENT = (0x7C0, 0x302, 0x306, 0xCC3, 0xCC7, 0xC01, 0x800, 0x3A0, 0xB01, 0x322)
_WRITE = ("csrrw", "csrrs", "csrrc")
_OPERATIONS = (*_WRITE, "csrrwi", "csrrsi", "csrrci")


def csr(w: Writer) -> None:
    """Any access to any register but those that keep the program going."""
    group = w.rng.choices(
        (_PLAIN, _COUNTERS, _EVENT_COUNTERS, _LOOP_REGISTERS, _IDENTIFICATION, _ABSENT),
        (30, 20, 10, 15, 10, 3),
    )[0]
    address = w.rng.choice(group)
    name = w.rng.choice(_OPERATIONS)
    source = {"zimm": w.rng.randrange(32)} if name.endswith("i") else {"rs1": w.rs()}
    if address in _LOOP_REGISTERS + _IDENTIFICATION and w.chance(0.9):
        # A write would trap.
        name = w.rng.choice(("csrrs", "csrrc"))
        source = {"rs1": 0}
    w.emit(name, rd=w.rd(), imm=address, **source)


def interrupt_enables(w: Writer) -> None:
    """Which interrupts may come."""
    kind = w.rng.randrange(4)
    if kind == 0:
        w.emit("csrrci", rd=w.rd(), zimm=STATUS_MIE, imm=MSTATUS)
        for _ in range(w.rng.randrange(6)):
            compute(w)
    elif kind == 1:
        w.emit("csrrw", rd=w.rd(), rs1=w.rs(), imm=MIE)
        return
    elif kind == 2:
        w.emit("csrrs", rd=w.rd(), rs1=0, imm=w.rng.choice((MSTATUS, MIE, MTVEC, MIP)))
        return
    w.immediate(WALK, ALL_INTERRUPTS)
    w.emit("csrrs", rd=w.rd(), rs1=WALK, imm=MIE)
    w.emit("csrrsi", rd=w.rd(), zimm=STATUS_MIE, imm=MSTATUS)


def _device(register: str, hart: int = 0) -> int:
    return EVENT_UNIT[register].address(hart)


def device(w: Writer) -> None:
    """The event unit: time, this hart's interrupts, registers that are not there."""
    kind = w.rng.randrange(8)
    hart = w.hart
    if kind <= 1:
        name = w.rng.choice(("mtime_low", "mtime_high", "hart_count", "hart_started"))
        w.emit("lw", rd=w.rd(), rs1=EVENTS, imm=_device(name))
    elif kind == 2:
        register = w.few()
        w.emit("addi", rd=register, imm=w.rng.randrange(2))
        w.emit("sw", rs1=EVENTS, rs2=register, imm=_device("msip", hart))
        w.emit("lw", rd=w.rd(), rs1=EVENTS, imm=_device("msip", hart))
    elif kind == 3:
        register = w.few()
        w.emit("addi", rd=register, imm=w.rng.randrange(8))
        w.emit("sw", rs1=EVENTS, rs2=register, imm=_device("event_enable", hart))
        w.emit("addi", rd=register, imm=1 << hart)
        w.emit("sw", rs1=EVENTS, rs2=register, imm=_device("event_set"))
        w.emit("lw", rd=w.rd(), rs1=EVENTS, imm=_device("event_pending", hart))
    elif kind == 4:
        _set_timer(w, w.rng.randrange(10, 200))
    elif kind == 5:  # not there: an access fault
        name = w.rng.choice(("lw", "sw"))
        register = {"rs2": w.rs()} if name == "sw" else {"rd": w.rd()}
        w.emit(name, rs1=EVENTS, imm=w.rng.choice((0x7F0, 0x1A0, 0x7FC, 0x8)), **register)
    elif kind == 6:  # in other windows, or written though it is not to be
        if w.chance(0.5):
            w.immediate(WALK, EVENT_BASE + 0x1000 * w.rng.randrange(1, 16))
            w.emit("lw", rd=w.rd(), rs1=WALK, imm=4 * w.rng.randrange(8))
        else:
            w.emit("sw", rs1=EVENTS, rs2=w.rs(), imm=_device("mtime_low"))
    else:
        w.emit("lw", rd=w.rd(), rs1=EVENTS, imm=_device("mtimecmp_low", hart))


def _set_timer(w: Writer, cycles: int) -> None:
    w.emit("lw", rd=WALK, rs1=EVENTS, imm=_device("mtime_low"))
    w.emit("addi", rd=WALK, rs1=WALK, imm=cycles)
    w.emit("sw", rs1=EVENTS, rs2=WALK, imm=_device("mtimecmp_low", w.hart))
    w.emit("sw", rs1=EVENTS, rs2=0, imm=_device("mtimecmp_high", w.hart))


def sleep(w: Writer) -> None:
    """wfi, with something that wakes: pending ones wake even while interrupts are off."""
    w.immediate(WALK, ALL_INTERRUPTS)
    w.emit("csrrci", rd=w.rd(), zimm=STATUS_MIE, imm=MSTATUS)
    w.emit("csrrs", rd=w.rd(), rs1=WALK, imm=MIE)
    if w.chance(0.3):
        w.emit("addi", rd=COUNT, imm=1)
        w.emit("sw", rs1=EVENTS, rs2=COUNT, imm=_device("msip", w.hart))
    else:
        _set_timer(w, w.rng.randrange(5, 120))
    for _ in range(w.rng.randrange(3)):
        compute(w)
    w.emit("wfi")
    for _ in range(w.rng.randrange(3)):
        compute(w)
    w.emit("csrrsi", rd=w.rd(), zimm=STATUS_MIE, imm=MSTATUS)


def barrier(w: Writer) -> None:
    """Wait for the other harts; every hart must do so as often."""
    w.emit("lw", rd=w.rd(), rs1=EVENTS, imm=_device("barrier"))


def fence(w: Writer) -> None:
    """fence or fence.i, with any bits in the fields that do not matter."""
    name = w.rng.choice(("fence", "fence", "fence.i"))
    w.raw(FORMS[name].random_word(w.rng))


def trap(w: Writer) -> None:
    """Something that raises an exception."""
    kind = w.rng.choice(("ecall", "ebreak", "illegal", "illegal", "compressed", "atomic", "fetch"))
    if kind in ("ecall", "ebreak"):
        w.emit(kind)
    elif kind == "atomic":
        bad_atomic(w)
    elif kind == "fetch":
        w.emit("auipc", rd=LINK)
        w.emit("addi", rd=LINK, rs1=LINK, imm=12)
        w.emit("jalr", rd=w.rd(), rs1=w.rng.choice((BAD, EVENTS)), imm=4 * w.rng.randrange(8))
    else:
        w.raw(_illegal(w, compressed=kind == "compressed"))


def _illegal(w: Writer, *, compressed: bool) -> int:
    """A word that means nothing, near to those that do."""
    while True:
        word = w.rng.getrandbits(32)
        if compressed:
            if word & 3 != 3:
                return word
            continue
        opcode = w.rng.choice((0x0B, 0x2B, 0x5B, 0x7B, 0x33, 0x13, 0x73, 0x2F, word & 0x7F | 3))
        word = word & ~0x7F | opcode
        form = find(word)
        if form is None or not w.has(form.row.group):
            return word


def trap_return(w: Writer) -> None:
    """mret to a place of our choice; interrupts are off meanwhile, they would change mepc."""
    w.emit("csrrci", rd=w.rd(), zimm=STATUS_MIE, imm=MSTATUS)
    if w.chance(0.8):
        w.immediate(WALK, 1 << 7)
        w.emit("csrrs", rd=w.rd(), rs1=WALK, imm=MSTATUS)
    w.emit("auipc", rd=WALK)
    start = w.place - 1
    place = w.place
    w.raw(0)
    w.emit("csrrw", rd=w.rd(), rs1=WALK, imm=MEPC)
    w.emit("mret")
    for _ in range(w.rng.randrange(3)):
        compute(w)
    w.patch(place, "addi", rd=WALK, rs1=WALK, imm=4 * (w.place - start) + w.rng.randrange(4))


def changed_code(w: Writer) -> None:
    """An instruction is replaced right before it runs, with fence.i between."""
    old, new = (w.rng.choice(COMPUTING["i"]) for _ in range(2))
    w.immediate(WALK, new.random_word(w.rng, **{name: w.few() for name in new.registers}))
    w.emit("auipc", rd=LINK)
    w.emit("sw", rs1=LINK, rs2=WALK, imm=12)
    w.emit("fence.i")
    w.raw(old.random_word(w.rng, **{name: w.few() for name in old.registers}))


def misaligned(w: Writer) -> None:
    """An access whose address is no multiple of its size."""
    name = w.rng.choice(("lh", "lhu", "lw", "sh", "sw"))
    registers = {"rs2": w.rs()} if name.startswith("s") else {"rd": w.rd()}
    base = w.rng.choice((DATA, MAIN, BAD, EVENTS))
    w.emit(name, rs1=base, imm=4 * w.rng.randrange(8) + w.rng.choice((1, 3)), **registers)
