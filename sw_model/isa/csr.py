"""Control and status registers of machine mode."""

from sw_model.isa.trap import Cause, Trap

MSTATUS, MISA, MIE, MTVEC, MSTATUSH = 0x300, 0x301, 0x304, 0x305, 0x310
MCOUNTINHIBIT, MSCRATCH, MEPC, MCAUSE, MTVAL, MIP = 0x320, 0x340, 0x341, 0x342, 0x343, 0x344
MCYCLE, MINSTRET, MCYCLEH, MINSTRETH = 0xB00, 0xB02, 0xB80, 0xB82
CYCLE, INSTRET, CYCLEH, INSTRETH = 0xC00, 0xC02, 0xC80, 0xC82
MVENDORID, MARCHID, MIMPID, MHARTID, MCONFIGPTR = 0xF11, 0xF12, 0xF13, 0xF14, 0xF15

CYCLE_COUNTERS = frozenset((MCYCLE, MCYCLEH, CYCLE, CYCLEH))
"""Depend on the machine's timing, which is not modelled: here a cycle is an instruction."""

STATUS_MIE, STATUS_MPIE, STATUS_MPP = 1 << 3, 1 << 7, 3 << 11
SOFTWARE, TIMER, EXTERNAL = 3, 7, 11
PRIORITY = (EXTERNAL, SOFTWARE, TIMER)
"""Interrupt codes, the one that wins first."""

_MISA_VALUE = 1 << 30 | 1 << 8 | 1 << 12
_ZERO = frozenset(
    (MSTATUSH, MVENDORID, MARCHID, MIMPID, MCONFIGPTR)
    + tuple(first + n for first in (MCYCLE, MCYCLEH, MCOUNTINHIBIT) for n in range(3, 32))
)

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


class Csrs:
    """The registers, and the rules of trap entry and return.

    Attributes
    ----------
    plain : dict
        Values of the registers that are just bits, by address.
    mip : int
        Interrupt levels, set by whoever drives the hart.
    cycles, retired : int
        The 64-bit counters.
    """

    def __init__(self, hart_id: int = 0):
        self.hart_id = hart_id
        self.plain = dict.fromkeys(_MASKS, 0)
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
        if address in (MCYCLE, CYCLE):
            return self.cycles & 0xFFFFFFFF
        if address in (MCYCLEH, CYCLEH):
            return self.cycles >> 32
        if address in (MINSTRET, INSTRET):
            return self.retired & 0xFFFFFFFF
        if address in (MINSTRETH, INSTRETH):
            return self.retired >> 32
        return {MISA: _MISA_VALUE, MIP: self.mip, MHARTID: self.hart_id}.get(address)

    def write(self, address: int, value: int) -> None:
        """Write a register that `access` allowed; bits that do not exist stay as they are."""
        if address in self.plain:
            self.plain[address] = value & _MASKS[address] & 0xFFFFFFFF
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
