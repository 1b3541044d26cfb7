"""Instruction traces: a line an instruction, the same from every target but for the cycles."""

from functools import lru_cache
from pathlib import Path
from typing import IO, Protocol

from heed.errors import HeedError
from heed.simulator.result import EXCEPTIONS, FETCH_FAULT, INTERRUPTS, NOT_FETCHED

HEADER = "hart      cycle pc       word     instruction\n"
_INSTRUCTION_WIDTH = 32
_REGISTERS = (
    "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 "
    "t3 t4 t5 t6"
).split()


class Retired(Protocol):
    """An instruction as `struct heed_retire` of sw_model/iss/retire.h describes it."""

    time: int
    pc: int
    next_pc: int
    insn: int
    rd_addr: int
    rd_wdata: int
    rd2_addr: int
    rd2_wdata: int
    mem_addr: int
    mem_rmask: int
    mem_wmask: int
    mem_rdata: int
    mem_wdata: int
    trap: int
    cause: int
    irq: int
    irq_cause: int


@lru_cache(maxsize=1 << 16)
def _instruction(word: int, pc: int) -> str:
    from sw_model.isa.disassemble import disassemble

    return disassemble(word, pc)


def _memory(address: int, mask: int, data: int, what: str) -> str:
    digits = 2 * mask.bit_count()
    return f"{what} [{address:08x}] {data & ((1 << 4 * digits) - 1):0{digits}x}"


def line(hart: int, retired: Retired) -> str:
    """Return the line of one instruction.

    Hart, cycle, address, word and instruction, followed by what it did: registers written
    (`a0=0000002a`), memory read and written (`read [10000004] 2a`, as many digits as bytes),
    the exception it raised (`trap 2 illegal instruction -> 80000100`) instead of all that. An
    interrupt taken right before is named in front (`irq 7 timer interrupt`).
    """
    effects = []
    if retired.irq:
        name = INTERRUPTS.get(retired.irq_cause, "unknown")
        effects.append(f"irq {retired.irq_cause} {name}")
    for register, value in (
        (retired.rd_addr, retired.rd_wdata),
        (retired.rd2_addr, retired.rd2_wdata),
    ):
        if register:
            effects.append(f"{_REGISTERS[register]}={value:08x}")
    if retired.mem_rmask:
        effects.append(_memory(retired.mem_addr, retired.mem_rmask, retired.mem_rdata, "read"))
    if retired.mem_wmask:
        effects.append(_memory(retired.mem_addr, retired.mem_wmask, retired.mem_wdata, "write"))
    if retired.trap:
        name = EXCEPTIONS.get(retired.cause, "unknown")
        effects.append(f"trap {retired.cause} {name} -> {retired.next_pc:08x}")
    if retired.trap and retired.cause == FETCH_FAULT:
        word, instruction = "-" * 8, NOT_FETCHED
    else:
        word, instruction = f"{retired.insn:08x}", _instruction(retired.insn, retired.pc)
    text = (
        f"{hart:4} {retired.time:10} {retired.pc:08x} {word} "
        f"{instruction:<{_INSTRUCTION_WIDTH}} {', '.join(effects)}"
    )
    return text.rstrip() + "\n"


class TraceFile:
    """A file that gets the lines of a trace; use as a context manager.

    Raises
    ------
    HeedError
        When it cannot be written.
    """

    def __init__(self, path: str | Path):
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> "TraceFile":
        try:
            self._file = open(self._path, "w")
            self._file.write(HEADER)
        except OSError as error:
            raise self._error(error) from None
        return self

    def __call__(self, hart: int, retired: Retired) -> None:
        try:
            self._file.write(line(hart, retired))
        except OSError as error:
            raise self._error(error) from None

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise self._error(error) from None

    def _error(self, error: OSError) -> HeedError:
        return HeedError(f"cannot write the trace {self._path}: {error.strerror}")
