"""One hart: registers, program counter and the step that executes an instruction."""

from collections.abc import Callable

from hw.config import CoreConfig
from sw_model.isa.access import Access
from sw_model.isa.bits import MASK
from sw_model.isa.csr import Csrs
from sw_model.isa.decode import decode
from sw_model.isa.loops import Loops
from sw_model.isa.memory import AccessFault, Memory
from sw_model.isa.reservations import Reservations
from sw_model.isa.retired import Retired
from sw_model.isa.trap import Cause, Trap


class Hart:
    """A core in machine mode, as Heed implements it.

    Parameters
    ----------
    memory
        Instructions and data.
    boot_address
        Where it starts.
    hart_id
        What `mhartid` reads.
    core
        The extensions that are there; all of them without it.
    reservations
        Those of all harts on this memory; its own without it.

    Attributes
    ----------
    x : list of int
        The registers, unsigned.
    pc : int
        Address of the next instruction.
    csrs : Csrs
    loops : Loops
    sleeping : bool
        A `wfi` waits; may be cleared by whoever knows better.
    """

    def __init__(
        self,
        memory: Memory,
        boot_address: int,
        hart_id: int = 0,
        *,
        core: CoreConfig | None = None,
        reservations: Reservations | None = None,
    ):
        core = core or CoreConfig()
        self.memory = memory
        self.x = [0] * 32
        self.pc = boot_address
        self.loops = Loops()
        self.csrs = Csrs(hart_id, core, self.loops)
        self.sleeping = False
        self._groups = {"i", *core.groups}
        self._access = Access(memory, hart_id, reservations or Reservations())
        self._next_pc = boot_address
        self._jumps = False
        self._record: dict[str, int] = {}

    def step(self, interrupts: int = 0) -> Retired | None:
        """Execute one instruction, after entering an interrupt's handler if one is to be taken.

        Parameters
        ----------
        interrupts
            Levels during this step, as in `mip`.

        Returns
        -------
        Retired or None
            None when the hart sleeps on.
        """
        self.csrs.mip = interrupts
        if self.sleeping and not self.csrs.wakes:
            return None
        self.sleeping = False
        self._record = {}
        code = self.csrs.interrupt
        if code is not None:
            self.pc = self.csrs.enter(self.pc, code, 0, True)
            self._record = dict(irq=True, irq_cause=code)
        return self._instruction()

    def _instruction(self) -> Retired:
        pc, insn, before = self.pc, 0, self._record
        self._record = {}
        self._next_pc, self._jumps = (pc + 4) & MASK, False
        try:
            insn = self._fetch()
            self._execute(insn)
        except Trap as trap:
            self.pc = self.csrs.enter(pc, trap.cause, trap.value, False)
            return Retired(pc, insn, self.pc, trap=True, cause=int(trap.cause), **before)
        self.csrs.count()
        self.pc = self._next_pc if self._jumps else self.loops.after(self._next_pc)
        return Retired(pc, insn, self.pc, **before, **self._record)

    def _fetch(self) -> int:
        try:
            return self.memory.fetch(self.pc)
        except AccessFault:
            raise Trap(Cause.FETCH_FAULT, self.pc) from None

    def _execute(self, insn: int) -> None:
        decoded = decode(insn)
        if decoded is None or decoded.row.group not in self._groups:
            raise Trap(Cause.ILLEGAL, insn)
        try:
            decoded.row.execute(self, decoded)
        except Trap as trap:
            if trap.cause == Cause.ILLEGAL:  # a CSR does not know its instruction
                trap.value = insn
            raise

    # What instructions do. Addresses may be any integers, they are cut to 32 bits.

    def write(self, rd: int, value: int) -> None:
        """Write a register; register 0 stays 0."""
        if rd:
            self.x[rd] = value
            self._record.update(rd_addr=rd, rd_wdata=value)

    def write_base(self, rs1: int, value: int) -> None:
        """Write the base of a post-increment; register 0 stays 0."""
        if rs1:
            self.x[rs1] = value & MASK
            self._record.update(rd2_addr=rs1, rd2_wdata=value & MASK)

    def jump(self, target: int) -> None:
        """Go on at an address; a misaligned one traps."""
        target &= MASK
        if target & 3:
            raise Trap(Cause.FETCH_MISALIGNED, target)
        self._next_pc, self._jumps = target, True

    def set_loop(self, index: int, start=None, end=None, count=None) -> None:
        """Write registers of a hardware loop; this instruction ends no loop then."""
        self.loops[index].set(start, end, count)
        self._jumps = True

    def load(self, address: int, size: int, is_signed: bool) -> int:
        """Load and extend to 32 bits."""
        value = self._access.load(address & MASK, size)
        self._record.update(mem_addr=address & MASK, mem_rmask=(1 << size) - 1, mem_rdata=value)
        sign = 1 << 8 * size - 1 if is_signed else 0
        return ((value ^ sign) - sign) & MASK

    def store(self, address: int, size: int, value: int) -> None:
        """Store the low bytes of a value."""
        value &= (1 << 8 * size) - 1
        self._access.store(address & MASK, size, value)
        self._record.update(mem_addr=address & MASK, mem_wmask=(1 << size) - 1, mem_wdata=value)

    def load_reserved(self, address: int) -> int:
        """Load a word and reserve it."""
        value = self._access.load_reserved(address)
        self._record.update(mem_addr=address, mem_rmask=15, mem_rdata=value)
        return value

    def store_conditional(self, address: int, value: int) -> bool:
        """Store a word if it is reserved; return whether it was."""
        if not self._access.store_conditional(address, value):
            return False
        self._record.update(mem_addr=address, mem_wmask=15, mem_wdata=value)
        return True

    def modify(self, address: int, operand: int, operation: Callable[[int, int], int]) -> int:
        """Replace a word by operation(word, operand); return what it was."""
        old = self._access.modify(address, operand, operation)
        self._record.update(mem_addr=address, mem_rmask=15, mem_wmask=15)
        self._record.update(mem_rdata=old, mem_wdata=operand)
        return old
