"""The core's small ports: interrupts and the observation of what retires."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out


class InterruptSignature(wiring.Signature):
    """Machine interrupts, from the side that raises them.

    Members
    -------
    software, timer, external : Out(1), levels
    """

    def __init__(self):
        super().__init__({"software": Out(1), "timer": Out(1), "external": Out(1)})

    def __eq__(self, other):
        return isinstance(other, InterruptSignature)

    def __repr__(self):
        return "InterruptSignature()"


class RetireSignature(wiring.Signature):
    """What the core did, at most one event a cycle, in program order, from the core's side.

    Members
    -------
    valid : Out(1)
    pc, insn : Out(32), the instruction
    rd : Out(5), the register it wrote, 0 for none
    rd_data : Out(32), the value written; meaningless when `rd` is 0
    trap : Out(1), it did not retire: it raised exception `cause`, or, with `interrupt` high,
        interrupt `cause` was taken before it
    interrupt : Out(1)
    cause : Out(5), as in `mcause`
    """

    def __init__(self):
        super().__init__(
            {
                "valid": Out(1),
                "pc": Out(32),
                "insn": Out(32),
                "rd": Out(5),
                "rd_data": Out(32),
                "trap": Out(1),
                "interrupt": Out(1),
                "cause": Out(5),
            }
        )

    def __eq__(self, other):
        return isinstance(other, RetireSignature)

    def __repr__(self):
        return "RetireSignature()"
