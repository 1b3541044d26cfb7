"""What a run of a program did, on whichever target."""

from dataclasses import dataclass

from heed.errors import HeedError

MAX_CYCLES = 50_000_000
TIMED_OUT = 124
"""Status of a run that `max_cycles` ended."""
TRAPPED = 125
"""Status of a run that an unhandled trap ended."""

EXCEPTIONS = {
    0: "instruction address misaligned",
    1: "instruction access fault",
    2: "illegal instruction",
    3: "breakpoint",
    4: "load address misaligned",
    5: "load access fault",
    6: "store address misaligned",
    7: "store access fault",
    11: "environment call",
}
FETCH_FAULT = 1
NOT_FETCHED = "(not fetched)"
INTERRUPTS = {3: "software interrupt", 7: "timer interrupt", 11: "external interrupt"}


@dataclass(frozen=True)
class Trap:
    """A trap whose handler lies in no memory.

    Attributes
    ----------
    hart
    interrupt
        Whether it is an interrupt; otherwise an exception.
    cause
        Its number, as in `mcause` without the highest bit.
    pc
        Address of the instruction.
    word
        The instruction; meaningless when it could not be fetched.
    value
        As in `mtval`.
    """

    hart: int
    interrupt: bool
    cause: int
    pc: int
    word: int
    value: int

    def __str__(self) -> str:
        from sw_model.isa.disassemble import disassemble

        kind = "interrupt" if self.interrupt else "exception"
        names = INTERRUPTS if self.interrupt else EXCEPTIONS
        fetched = self.interrupt or self.cause != FETCH_FAULT
        what = disassemble(self.word, self.pc) if fetched else NOT_FETCHED
        return (
            f"hart {self.hart} took a trap that nothing handles: "
            f"{names.get(self.cause, 'unknown')} ({kind} {self.cause}) at {self.pc:#010x}, "
            f"{what}; mtval {self.value:#010x}"
        )


class Divergence(HeedError):
    """RTL and instruction-set simulator disagree; the message shows where."""


@dataclass(frozen=True)
class RunResult:
    """What a run did.

    Attributes
    ----------
    status
        0 to 255 as the program said, 124 when the cycles ran out, 125 after a trap that nothing
        handles.
    cycles
        Clock cycles from the start of the harts to the end, that of the ending store included; the
        instruction-set simulator estimates them.
    mailbox
        Cycle and value of each word written to the mailbox.
    snapshots
        The whole TCDM at each mailbox word with bit 31 set, if asked for.
    dumps
        The bytes of each range asked for, at the end.
    pcs
        Address of the instruction that each hart retired last; 0 for a hart that was not started.
    console
        Everything written to the console.
    seconds
        Host time that the cycles took.
    exited
        The program ended the run, not `max_cycles` or a trap.
    trap
        The trap that ended the run.
    compared
        Instructions that were compared with the instruction-set simulator, if asked for.
    """

    status: int
    cycles: int
    mailbox: list[tuple[int, int]]
    snapshots: list[bytes]
    dumps: list[bytes]
    pcs: list[int]
    console: bytes
    seconds: float
    exited: bool
    trap: Trap | None = None
    compared: int | None = None

    @property
    def khz(self) -> float:
        """Simulated cycles a millisecond of host time."""
        return self.cycles / self.seconds / 1000 if self.seconds else 0.0
