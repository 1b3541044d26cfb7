"""Runs programs on the simulator."""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hw.config import ClusterConfig
from sw_model.iss import interface
from sw_model.iss.build import IssError, library
from sw_model.iss.engine import Engine

MAX_CYCLES = 50_000_000
TIMED_OUT = 124
"""Status of a run that `max_cycles` ended."""

UNHANDLED = 125
"""Status of a run that a trap without a handler ended."""

_NO_TOHOST = 1


class Retired(NamedTuple):
    """One instruction that retired or raised an exception, as `retire.h` says it."""

    time: int
    mem_time: int
    pc: int
    next_pc: int
    insn: int
    rd_wdata: int
    rd2_wdata: int
    mem_addr: int
    mem_rdata: int
    mem_wdata: int
    rd_addr: int
    rd2_addr: int
    mem_rmask: int
    mem_wmask: int
    trap: int
    cause: int
    irq: int
    irq_cause: int

    @classmethod
    def of(cls, record: interface.Record) -> "Retired":
        """Take the library's record over."""
        return cls(*(getattr(record, name) for name in cls._fields))


class Unhandled(NamedTuple):
    """A trap whose handler lies in no memory; `cause` as in `mcause`, `value` as in `mtval`."""

    hart: int
    cause: int
    pc: int
    insn: int
    value: int


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes
    ----------
    status
        0 to 255 as the program said; 124 when the cycles ran out, 125 after a trap that nobody
        handled.
    exited
        The program ended the run.
    cycles
        Estimated cycles from the start of the harts to the end.
    instructions
        How many each hart retired.
    pcs
        Address of the instruction that each hart retired last; 0 for none.
    mailbox
        Cycle and value of each word written to the mailbox.
    trap
        The trap that ended the run.
    seconds
        Host time.
    """

    status: int
    exited: bool
    cycles: int
    instructions: list[int]
    pcs: list[int]
    mailbox: list[tuple[int, int]]
    trap: Unhandled | None
    seconds: float


class Iss:
    """A cluster's harts, memories and devices.

    Parameters
    ----------
    config
    folder
        Where the compiled library is kept.
    dma
        Whether there is a DMA; an access to it is a fault otherwise.

    Raises
    ------
    IssError
        The library cannot be built.
    """

    def __init__(self, config: ClusterConfig, folder: Path, dma: bool = True):
        self.config = config
        self._library = library(folder)
        interface.declare(self._library)
        self._machine = self._library.heed_iss_new(interface.Config.of(config, dma))
        if not self._machine:
            raise IssError(f"there is no memory for a cluster of {config.main_bytes} bytes")
        self._engine = Engine(config)
        tcdm = ctypes.c_uint8 * config.tcdm.bytes
        address = self._library.heed_iss_tcdm(self._machine)
        self._tcdm = memoryview(tcdm.from_address(address)).cast("B")

    def __del__(self):
        if machine := getattr(self, "_machine", None):
            self._library.heed_iss_free(machine)

    def write(self, address: int, data: bytes) -> None:
        """Write to memory; IssError when a byte lies in none."""
        if not self._library.heed_iss_write(self._machine, address, bytes(data), len(data)):
            raise IssError(f"{len(data)} bytes at {address:#010x} do not lie in one memory")

    def read(self, address: int, count: int) -> bytes:
        """Read memory; IssError when a byte lies in none."""
        buffer = ctypes.create_string_buffer(max(count, 1))
        if not self._library.heed_iss_read(self._machine, address, buffer, count):
            raise IssError(f"{count} bytes at {address:#010x} do not lie in one memory")
        return buffer.raw[:count]

    def execute(self, word: int, registers: list[int]) -> tuple["Retired", list[int]]:
        """Execute one instruction at address 0 of a fresh hart that has no memory.

        Parameters
        ----------
        word
            The instruction.
        registers
            Values of the 32 registers before it.

        Returns
        -------
        Its record, and the registers after it.
        """
        values = (ctypes.c_uint32 * 32)(*registers)
        record = interface.Record()
        self._library.heed_iss_execute(self._machine, word, values, record)
        return Retired.of(record), list(values)

    def run(
        self,
        entry: int,
        *,
        harts: int = 1,
        tohost: int | None = None,
        max_cycles: int = MAX_CYCLES,
        console: Callable[[bytes], None] | None = None,
        trace: Callable[[int, Retired], None] | None = None,
        on_mailbox: Callable[[int, int], None] | None = None,
    ) -> Outcome:
        """Start harts and devices afresh and run what lies in memory.

        Parameters
        ----------
        entry
            Address that harts start at.
        harts
            How many start, from hart 0 on.
        tohost
            Address of the word that ends the run, besides the exit register.
        max_cycles
        console
            Gets what is written to the console, byte by byte.
        trace
            Gets each hart's number and record, in order of execution; makes the run slow.
        on_mailbox
            Gets cycle and value of each word written to the mailbox, and may read memory.

        Raises
        ------
        IssError
            An argument is out of range, or a chain of the engine's jobs bites its tail.
        """
        if not 1 <= harts <= self.config.harts:
            raise IssError(f"harts is {harts}, but must be 1 to {self.config.harts}")
        if entry % 4:
            raise IssError(f"entry is {entry:#x}, but must be a multiple of 4")
        if max_cycles < 1:
            raise IssError(f"max_cycles is {max_cycles}, but must be 1 or more")
        calls = _Callbacks(self._engine, self._tcdm, console, trace, on_mailbox)
        options = interface.Run(
            entry=entry,
            harts=harts,
            tohost=_NO_TOHOST if tohost is None else tohost,
            max_cycles=max_cycles,
            engine=interface.ENGINE(calls.engine),
            console=interface.CONSOLE(calls.console),
            mailbox=interface.MAILBOX(calls.mailbox),
            trace=interface.TRACE(calls.trace) if trace else interface.TRACE(),
        )
        result = interface.Outcome(end=interface.PAUSED)
        begin = time.perf_counter()
        self._library.heed_iss_start(self._machine, options)
        while result.end == interface.PAUSED:  # Python looks for signals in between
            self._library.heed_iss_run(self._machine, result)
        seconds = time.perf_counter() - begin
        if calls.error:
            raise calls.error
        return self._outcome(result, calls.words, seconds)

    def _outcome(
        self, result: interface.Outcome, mailbox: list[tuple[int, int]], seconds: float
    ) -> Outcome:
        trap = None
        if result.end == interface.UNHANDLED_TRAP:
            trap = Unhandled(*(getattr(result, f"trap_{name}") for name in Unhandled._fields))
        statuses = {
            interface.EXITED: min(result.exit_word >> 1, 255),
            interface.TIMED_OUT: TIMED_OUT,
            interface.UNHANDLED_TRAP: UNHANDLED,
        }
        return Outcome(
            status=statuses[result.end],
            exited=result.end == interface.EXITED,
            cycles=result.cycles,
            instructions=list(result.instructions[: self.config.harts]),
            pcs=list(result.pcs[: self.config.harts]),
            mailbox=mailbox,
            trap=trap,
            seconds=seconds,
        )


class _Callbacks:
    """What the library calls. An exception is kept, and ends the run."""

    def __init__(
        self,
        engine: Engine,
        tcdm: memoryview,
        console: Callable[[bytes], None] | None,
        trace: Callable[[int, Retired], None] | None,
        on_mailbox: Callable[[int, int], None] | None,
    ):
        self._engine = engine
        self._tcdm = tcdm
        self._console = console or _ignore
        self._trace = trace
        self._on_mailbox = on_mailbox or _ignore
        self.words: list[tuple[int, int]] = []
        self.error: BaseException | None = None

    def _guarded(self, call: Callable, *arguments: object) -> int:
        try:
            call(*arguments)
            return 0
        except BaseException as error:
            self.error = error
            return -1

    def engine(self, user, address, jobs, room):
        found = []
        failed = self._guarded(lambda: found.extend(self._engine.run(self._tcdm, address, room)))
        for place, job in enumerate(found):
            jobs[place] = job
        return failed or len(found)

    def console(self, user, byte):
        return self._guarded(self._console, bytes([byte]))

    def mailbox(self, user, cycle, value):
        self.words.append((cycle, value))
        return self._guarded(self._on_mailbox, cycle, value)

    def trace(self, user, hart, record):
        return self._guarded(lambda: self._trace(hart, Retired.of(record.contents)))


def _ignore(*_: object) -> None:
    pass
