"""The record of a step."""

from typing import NamedTuple


class Retired(NamedTuple):
    """One instruction that retired, or that raised an exception (`trap`).

    Names and conventions are those of the core's trace port (`hw/core/rvfi.py`): the masks count
    from the exact address, and what was not read or written is 0. A trap writes nothing, and its
    `next_pc` is the handler's address. Its `insn` is 0 when it was the fetch that failed. `irq`
    says that the interrupt `irq_cause` was taken right before; `pc` is in its handler then.
    """

    pc: int
    insn: int
    next_pc: int
    rd_addr: int = 0
    rd_wdata: int = 0
    rd2_addr: int = 0
    rd2_wdata: int = 0
    mem_addr: int = 0
    mem_rmask: int = 0
    mem_wmask: int = 0
    mem_rdata: int = 0
    mem_wdata: int = 0
    trap: bool = False
    cause: int = 0
    irq: bool = False
    irq_cause: int = 0
