"""Compares what a core retires with the instruction-set simulator, one event at a time."""

from sw_model.isa import Event, Hart
from sw_model.isa.csr import CYCLE_COUNTERS, MIP
from sw_model.isa.decode import decode
from sw_model.isa.trap import Cause

UNPREDICTABLE = CYCLE_COUNTERS | {MIP}
"""CSRs whose values the model takes from the core: they depend on time."""


class Mismatch(AssertionError):
    """The core and the model disagree; the message says where."""


class Lockstep:
    """Steps a `Hart` along with a core.

    What cannot be predicted is taken from the core: the moment of an interrupt (which must be
    enabled), the end of a `wfi`, and the values of cycle counters and `mip`.

    Parameters
    ----------
    hart
        The model, in the core's initial state, with a memory of its own.
    """

    def __init__(self, hart: Hart):
        self.hart = hart
        self.count = 0

    def check(self, event: Event) -> None:
        """Compare one event of the core.

        Raises
        ------
        Mismatch
            When the model does something else.
        """
        hart = self.hart
        hart.sleeping = False
        expected = hart.step(1 << event.cause if event.interrupt else 0)
        if event.rd and event.rd == expected.rd and self._unpredictable(expected.insn):
            hart.x[event.rd] = event.rd_data
            expected = expected._replace(rd_data=event.rd_data)
        no_word = expected.interrupt or (expected.trap and expected.cause == Cause.FETCH_FAULT)
        if no_word:
            expected = expected._replace(insn=event.insn)
        if not expected.rd:
            expected = expected._replace(rd_data=event.rd_data)
        if expected != event:
            raise Mismatch(f"event {self.count}: got {show(event)}, expected {show(expected)}")
        self.count += 1

    def _unpredictable(self, insn: int) -> bool:
        return insn & 0x7F == 0x73 and insn >> 20 in UNPREDICTABLE


def show(event: Event) -> str:
    """Describe an event in a line."""
    decoded = decode(event.insn)
    text = f"{event.pc:#010x} {event.insn:08x} {decoded.name if decoded else 'illegal'}"
    if event.rd:
        text += f" x{event.rd}={event.rd_data:#010x}"
    if event.trap:
        text += f" {'interrupt' if event.interrupt else 'exception'} {event.cause}"
    return text


def check_run(events: list[Event], hart: Hart) -> None:
    """Compare a whole run."""
    lockstep = Lockstep(hart)
    for event in events:
        lockstep.check(event)
