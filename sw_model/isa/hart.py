"""One hart: registers, program counter and the step that executes an instruction."""

from typing import NamedTuple

from sw_model.isa.csr import Csrs
from sw_model.isa.decode import Decoded, decode
from sw_model.isa.memory import AccessFault, Memory
from sw_model.isa.trap import Cause, Trap


class Event(NamedTuple):
    """What a step did, as the core's `retire` port says it.

    `rd` is 0 when no register was written. With `trap` the instruction did not retire: it raised
    the exception `cause`, or (`interrupt`) the interrupt `cause` was taken before it.
    """

    pc: int
    insn: int
    rd: int = 0
    rd_data: int = 0
    trap: bool = False
    interrupt: bool = False
    cause: int = 0


class Hart:
    """RV32IM_Zicsr_Zifencei in machine mode, as the Heed core implements it.

    Parameters
    ----------
    memory
        Instructions and data.
    boot_address
        Where it starts.
    hart_id
        What `mhartid` reads.

    Attributes
    ----------
    x : list of int
        The registers, unsigned.
    pc : int
        Address of the next instruction.
    csrs : Csrs
    sleeping : bool
        A `wfi` waits; may be cleared by whoever knows better.
    """

    def __init__(self, memory: Memory, boot_address: int, hart_id: int = 0):
        self.memory = memory
        self.x = [0] * 32
        self.pc = boot_address
        self.next_pc = boot_address
        self.csrs = Csrs(hart_id)
        self.sleeping = False
        self._rd = 0
        self._decoded: dict[int, Decoded | None] = {}

    def write(self, rd: int, value: int) -> None:
        """Write a register; register 0 stays 0."""
        if rd:
            self.x[rd] = value
            self._rd = rd

    def step(self, interrupts: int = 0) -> Event | None:
        """Execute one instruction, or take an interrupt instead.

        Parameters
        ----------
        interrupts
            Levels during this step, as in `mip`.

        Returns
        -------
        Event or None
            None when the hart sleeps on.
        """
        self.csrs.mip = interrupts
        if self.sleeping and not self.csrs.wakes:
            return None
        self.sleeping = False
        pc, insn = self.pc, 0
        code = self.csrs.interrupt
        if code is not None:
            self.pc = self.csrs.enter(pc, code, 0, True)
            return Event(pc, insn, trap=True, interrupt=True, cause=code)
        self.next_pc = (pc + 4) & 0xFFFFFFFF
        self._rd = 0
        try:
            insn = self._fetch()
            self._execute(insn)
        except Trap as trap:
            self.pc = self.csrs.enter(pc, trap.cause, trap.value, False)
            return Event(pc, insn, trap=True, cause=int(trap.cause))
        self.csrs.count()
        self.pc = self.next_pc
        return Event(pc, insn, self._rd, self.x[self._rd])

    def _fetch(self) -> int:
        try:
            return self.memory.fetch(self.pc)
        except AccessFault:
            raise Trap(Cause.FETCH_FAULT, self.pc) from None

    def _execute(self, insn: int) -> None:
        try:
            decoded = self._decoded[insn]
        except KeyError:
            decoded = self._decoded[insn] = decode(insn)
        if decoded is None:
            raise Trap(Cause.ILLEGAL, insn)
        try:
            decoded.execute(self, decoded)
        except Trap as trap:
            if trap.cause == Cause.ILLEGAL:  # a CSR does not know its instruction
                trap.value = insn
            raise
