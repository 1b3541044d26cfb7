"""Compares what a core retires with the golden model, one instruction at a time."""

from collections.abc import Iterable

from sw_model.isa import Hart, Retired, decode
from sw_model.isa.csr import CYCLE_COUNTERS, EVENT_COUNTERS, MIP
from sw_model.isa.trap import Cause

UNPREDICTABLE = CYCLE_COUNTERS | EVENT_COUNTERS | {MIP}
"""CSRs whose values are taken from the core: they depend on time."""


class Mismatch(AssertionError):
    """The core and the model disagree; the message says where."""


class Check:
    """Steps a `Hart` along with a core.

    Taken from the core are the moment of an interrupt (which must be enabled), the end of a `wfi`,
    and the values of cycle and event counters and `mip`.

    Parameters
    ----------
    hart
        The model, in the core's initial state, with a memory of its own.
    """

    def __init__(self, hart: Hart):
        self.hart = hart
        self.count = 0

    def __call__(self, record: Retired) -> None:
        """Compare one record of the core.

        Raises
        ------
        Mismatch
            When the model does something else.
        """
        hart = self.hart
        hart.sleeping = False
        expected = hart.step(1 << record.irq_cause if record.irq else 0)
        if expected is None:
            raise Mismatch(f"record {self.count}: got {show(record)}, but the model sleeps")
        if record.rd_addr and record.rd_addr == expected.rd_addr and _unpredictable(expected.insn):
            hart.x[record.rd_addr] = record.rd_wdata
            expected = expected._replace(rd_wdata=record.rd_wdata)
        if expected.trap and expected.cause == Cause.FETCH_FAULT:
            expected = expected._replace(insn=record.insn)
        if expected != record:
            wrong = [n for n in record._fields if getattr(record, n) != getattr(expected, n)]
            fields = [f"{n} {getattr(record, n):#x}, not {getattr(expected, n):#x}" for n in wrong]
            raise Mismatch(
                f"record {self.count}: got {show(record)}, expected {show(expected)}; "
                + ", ".join(fields)
            )
        self.count += 1


def _unpredictable(insn: int) -> bool:
    return insn & 0x7F == 0x73 and insn >> 20 in UNPREDICTABLE


def show(record: Retired) -> str:
    """Describe a record in a line."""
    decoded = decode(record.insn)
    text = f"{record.pc:#010x} {record.insn:08x} {decoded.row.name if decoded else 'illegal'}"
    if record.rd_addr:
        text += f" x{record.rd_addr}={record.rd_wdata:#010x}"
    if record.rd2_addr:
        text += f" x{record.rd2_addr}={record.rd2_wdata:#010x}"
    if record.mem_rmask or record.mem_wmask:
        text += f" [{record.mem_addr:#010x}]"
    if record.trap:
        text += f" exception {record.cause}"
    if record.irq:
        text += f" after interrupt {record.irq_cause}"
    return text


def check_run(records: Iterable[Retired], hart: Hart) -> None:
    """Compare a whole run."""
    check = Check(hart)
    for record in records:
        check(record)
