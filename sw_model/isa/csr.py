"""Control and status registers of machine mode."""

from hw.config import CoreConfig
from sw_model.isa.loops import Loops
from sw_model.isa.trap import Cause, Trap

MSTATUS, MISA, MIE, MTVEC, MSTATUSH = 0x300, 0x301, 0x304, 0x305, 0x310
MCOUNTINHIBIT, MSCRATCH, MEPC, MCAUSE, MTVAL, MIP = 0x320, 0x340, 0x341, 0x342, 0x343, 0x344
MCYCLE, MINSTRET, MCYCLEH, MINSTRETH = 0xB00, 0xB02, 0xB80, 0xB82
CYCLE, INSTRET, CYCLEH, INSTRETH = 0xC00, 0xC02, 0xC80, 0xC82
MVENDORID, MARCHID, MIMPID, MHARTID, MCONFIGPTR = 0xF11, 0xF12, 0xF13, 0xF14, 0xF15

MHPMEVENT3, MHPMCOUNTER3, MHPMCOUNTER3H = 0x323, 0xB03, 0xB83
LOOP0, LOOP1 = 0xCC0, 0xCC4
"""`lpstart`, `lpend` and `lpcount` of the hardware loops."""

MAX_EVENT_COUNTERS, EVENTS = 8, 8

CYCLE_COUNTERS = frozenset((MCYCLE, MCYCLEH, CYCLE, CYCLEH))
"""Depend on the machine's timing, which is not modelled: here a cycle is an instruction."""

EVENT_COUNTERS = frozenset(
    first + n for first in (MHPMCOUNTER3, MHPMCOUNTER3H) for n in range(MAX_EVENT_COUNTERS)
)
"""Those too; here they keep what was written."""

STATUS_MIE, STATUS_MPIE, STATUS_MPP = 1 << 3, 1 << 7, 3 << 11
SOFTWARE, TIMER, EXTERNAL = 3, 7, 11
PRIORITY = (EXTERNAL, SOFTWARE, TIMER)
"""Interrupt codes, the one that wins first."""

_ZERO = frozenset(
    (MSTATUSH, MVENDORID, MARCHID, MIMPID, MCONFIGPTR)
    + tuple(first + n for first in (MCYCLE, MCYCLEH, MCOUNTINHIBIT) for n in range(3, 32))
)
"""Read 0, writes are ignored; event counters that are there come before them."""

_MASKS = {
    MSTATUS: STATUS_MIE | STATUS_MPIE,
    MIE: 1 << SOFTWARE | 1 << TIMER | 1 << EXTERNAL,
    MTVEC: ~2,
    MCOUNTINHIBIT: 0b101,
    MSCRATCH: ~0,
    MEPC: ~3,
    MCAUSE: 1 << 31 | 0x1F,
    MTVAL: ~0,
}
"""Bits that a write changes, of plain registers."""


def _masks(core: CoreConfig) -> dict[int, int]:
    """The plain registers of a core, its event counters among them."""
    masks = dict(_MASKS)
    for n in range(core.event_counters):
        masks[MCOUNTINHIBIT] |= 1 << 3 + n
        masks[MHPMEVENT3 + n] = (1 << EVENTS) - 1
        masks[MHPMCOUNTER3 + n] = masks[MHPMCOUNTER3H + n] = ~0
    return masks


def _misa(core: CoreConfig) -> int:
    """32 bits, I, and M and A if they are there."""
    return 1 << 30 | 1 << 8 | core.m << 12 | core.a


class Csrs:
    """The registers, and the rules of trap entry and return.

    Parameters
    ----------
    hart_id
        What `mhartid` reads.
    core
        Says which registers are there.
    loops
        The hardware loops, whose registers can be read.

    Attributes
    ----------
    plain : dict
        Values of the registers that are just bits, by address.
    mip : int
        Interrupt levels, set by whoever drives the hart.
    cycles, retired : int
        The 64-bit counters.
    """

    def __init__(
        self, hart_id: int = 0, core: CoreConfig | None = None, loops: Loops | None = None
    ):
        core = core or CoreConfig()
        self._masks = _masks(core)
        self._fixed = {MISA: _misa(core), MHARTID: hart_id}
        self._loops = loops if core.xcv_hwlp else None
        self.plain = dict.fromkeys(self._masks, 0)
        self.mip = 0
        self.cycles = 0
        self.retired = 0
        self.retired_written = False

    def access(self, address: int, writes: bool) -> int:
        """Return a register's value, or raise an illegal-instruction trap."""
        value = self._read(address)
        if value is None or (writes and address >> 10 == 3):
            raise Trap(Cause.ILLEGAL)
        return value

    def _read(self, address: int) -> int | None:
        if address in self.plain:
            return self.plain[address] | (STATUS_MPP if address == MSTATUS else 0)
        if address in _ZERO:
            return 0
        if address == MIP:
            return self.mip
        if address in (MCYCLE, CYCLE):
            return self.cycles & 0xFFFFFFFF
        if address in (MCYCLEH, CYCLEH):
            return self.cycles >> 32
        if address in (MINSTRET, INSTRET):
            return self.retired & 0xFFFFFFFF
        if address in (MINSTRETH, INSTRETH):
            return self.retired >> 32
        if self._loops and address in (*range(LOOP0, LOOP0 + 3), *range(LOOP1, LOOP1 + 3)):
            loop = self._loops[address >= LOOP1]
            return (loop.start, loop.end, loop.count)[address & 3]
        return self._fixed.get(address)

    def write(self, address: int, value: int) -> None:
        """Write a register that `access` allowed; bits that do not exist stay as they are."""
        if address in self.plain:
            self.plain[address] = value & self._masks[address] & 0xFFFFFFFF
        elif address == MCYCLE:
            self.cycles = self.cycles >> 32 << 32 | value
        elif address == MCYCLEH:
            self.cycles = value << 32 | self.cycles & 0xFFFFFFFF
        elif address == MINSTRET:
            self.retired, self.retired_written = self.retired >> 32 << 32 | value, True
        elif address == MINSTRETH:
            self.retired, self.retired_written = value << 32 | self.retired & 0xFFFFFFFF, True

    def count(self) -> None:
        """Count one retired instruction, unless it wrote the counter itself."""
        inhibit = self.plain[MCOUNTINHIBIT]
        if not inhibit & 1:
            self.cycles = (self.cycles + 1) & (1 << 64) - 1
        if not inhibit & 4 and not self.retired_written:
            self.retired = (self.retired + 1) & (1 << 64) - 1
        self.retired_written = False

    @property
    def wakes(self) -> bool:
        """Whether `wfi` ends: an enabled interrupt is pending."""
        return bool(self.mip & self.plain[MIE])

    @property
    def interrupt(self) -> int | None:
        """The interrupt to take now, or None."""
        if self.plain[MSTATUS] & STATUS_MIE:
            for code in PRIORITY:
                if self.mip & self.plain[MIE] & 1 << code:
                    return code
        return None

    def enter(self, pc: int, cause: int, value: int, interrupt: bool) -> int:
        """Enter a trap; return the handler's address."""
        status = self.plain[MSTATUS]
        self.plain[MSTATUS] = STATUS_MPIE if status & STATUS_MIE else 0
        self.plain[MEPC] = pc
        self.plain[MCAUSE] = interrupt << 31 | cause
        self.plain[MTVAL] = value
        base, vectored = self.plain[MTVEC] & ~3, self.plain[MTVEC] & 1
        return (base + (4 * cause if interrupt and vectored else 0)) & 0xFFFFFFFF

    def leave(self) -> int:
        """Return from a trap; return the address to go on at."""
        status = self.plain[MSTATUS]
        self.plain[MSTATUS] = STATUS_MPIE | (STATUS_MIE if status & STATUS_MPIE else 0)
        return self.plain[MEPC]
